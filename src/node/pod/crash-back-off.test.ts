import { expect, test } from "vitest";
import { type CrashBackOff, grown, waitLeftMs } from "./crash-back-off.ts";

const second = 1000;

test("a container that keeps ending waits 10, 20, 40 … 300 seconds, and begins small again after ten quiet minutes", () => {
  let backOff: CrashBackOff | undefined;
  let nowMs = 0;
  const waits: number[] = [];
  for (let crash = 0; crash < 8; crash++) {
    const finishedAtMs = nowMs;
    const waitMs = waitLeftMs(backOff, finishedAtMs, nowMs);
    waits.push(waitMs / second);
    nowMs += waitMs;
    backOff = grown(backOff, finishedAtMs, nowMs);
    nowMs += second;
  }
  expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
  const muchLaterMs = nowMs + 700 * second;
  expect(waitLeftMs(backOff, muchLaterMs, muchLaterMs)).toBe(0);
  expect(grown(backOff, muchLaterMs, muchLaterMs).delayMs).toBe(10 * second);
});

test("a clock that was set back since a container ended makes the wait no longer", () => {
  const backOff = { delayMs: 20 * second, grownAtMs: 86_395 * second };
  expect(waitLeftMs(backOff, 86_400 * second, 5 * second)).toBe(20 * second);
});
