import { defineKind } from "../../kind.ts";
import type { Event } from "../../schema/types.ts";

export const event = defineKind<Event>({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  shortNames: ["ev"],
  scope: "Namespaced",
});
