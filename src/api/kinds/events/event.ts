import { defineKind } from "../../kind.ts";
import type { EventsV1Event } from "../../schema/types.ts";

export const eventsEvent = defineKind<EventsV1Event>({
  group: "events.k8s.io",
  version: "v1",
  kind: "Event",
  plural: "events",
  shortNames: ["ev"],
  scope: "Namespaced",
});
