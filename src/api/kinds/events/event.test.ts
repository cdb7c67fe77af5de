import { expect, test } from "vitest";
import type { KubeObject } from "../../object.ts";
import { eventsEvent } from "./event.ts";

test("events are selected by fields that are stored under other names", () => {
  const stored = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "e" },
    involvedObject: { kind: "Pod", name: "web" },
    reportingComponent: "test-controller",
  } as KubeObject;
  const values = (eventsEvent.strategy.selectable ?? []).flatMap((entry) =>
    typeof entry === "string" ? [] : [[entry.field, entry.value(stored as never)]],
  );
  expect(Object.fromEntries(values)).toMatchObject({
    reportingController: "test-controller",
    "regarding.kind": "Pod",
    "regarding.name": "web",
    "regarding.uid": "",
  });
});
