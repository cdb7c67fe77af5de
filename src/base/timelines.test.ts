import { expect, test } from "vitest";
import { Timelines } from "./timelines.ts";

test("a clock that is set has the times that it had before, each going on", () => {
  let [nowMs, elapsedMs] = [1_000, 0];
  const pass = (ms: number) => {
    nowMs += ms;
    elapsedMs += ms;
  };
  const clock = { now: () => nowMs, elapsed: () => elapsedMs, after: () => ({ [Symbol.dispose]() {} }) };
  const timelines = new Timelines(clock);
  pass(500);
  expect(timelines.now()).toEqual([1_500]);
  nowMs = 1_000_000;
  expect(timelines.now()).toEqual([1_000_000, 1_500]);
  pass(500);
  nowMs += 300; // kept right, not set
  expect(timelines.now()).toEqual([1_000_800, 2_000]);
  nowMs = 50_000;
  expect(timelines.now()).toEqual([50_000, 1_000_500, 2_000]);
  nowMs = 2_000; // the first time again
  expect(timelines.now()).toEqual([2_000, 50_000, 1_000_500]);
});
