import { expect, test, vi } from "vitest";
import { event } from "../api/kinds/core/event.ts";
import { noLog } from "../base/log.ts";
import { fakeClock } from "../base/testing/fake-clock.ts";
import { openClient } from "./client.ts";
import { openEventRecorder } from "./events.ts";
import { memoryTransport } from "./testing/memory-transport.ts";

test("what was told at once bears the same time, however long the sending takes", async () => {
  const clock = fakeClock();
  const transport = memoryTransport(clock);
  const client = openClient(transport, { fieldManager: "test" });
  using recorder = openEventRecorder({ client, clock, log: noLog, component: "test-controller" });
  transport.intercept = () => void clock.advance(5000);
  const about = { kind: "Pod", namespace: "default", name: "web", uid: "1" };
  recorder.record(about, { type: "Normal", reason: "First", message: "first" });
  recorder.record(about, { type: "Normal", reason: "Second", message: "second" });
  recorder.record(about, { type: "Normal", reason: "First", message: "first" });
  await vi.waitFor(() => recorder.idle());
  const { items } = await client.list(event);
  expect(items.map(({ reason, count }) => `${reason} ${count}`).sort()).toEqual(["First 2", "Second 1"]);
  expect(new Set(items.map(({ lastTimestamp }) => lastTimestamp)).size).toBe(1);
});
