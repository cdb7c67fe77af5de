import { expect, test } from "vitest";
import { fakeClock } from "../../base/testing/fake-clock.ts";
import { Alarm } from "./alarm.ts";

const yearMs = 365 * 24 * 60 * 60_000;

function world() {
  const clock = fakeClock();
  const rangAtMs: number[] = [];
  return { clock, rangAtMs, alarm: new Alarm(clock, () => rangAtMs.push(clock.elapsed())) };
}

test("rings once, at the earliest of the times that were asked for", async () => {
  const { clock, rangAtMs, alarm } = world();
  for (const ms of [5_000, 2_000, 60_000]) alarm.after(ms);
  await clock.advance(120_000);
  expect(rangAtMs).toEqual([2_000]);
  alarm.after(1_000);
  await clock.advance(1_000);
  expect(rangAtMs).toEqual([2_000, 121_000]);
});

test.each([
  ["ahead", yearMs],
  ["back", -yearMs],
])("keeps the earliest when the clock is set %s", async (_, byMs) => {
  const { clock, rangAtMs, alarm } = world();
  alarm.after(2_000);
  clock.set(byMs);
  alarm.after(60_000);
  await clock.advance(120_000);
  expect(rangAtMs).toEqual([2_000]);
});
