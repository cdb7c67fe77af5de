import { expect, test } from "vitest";
import { usualThresholds } from "../eviction-thresholds.ts";
import { type Look, nextLookMs, type Situation } from "./next-look.ts";

const capacity = 1_000;
const look = (available: number, { atMs, afterMs = 10_000 }: { atMs: number; afterMs?: number }): Look => ({
  signals: new Map([["nodefs.available", { available, capacity }]]),
  atMs,
  afterMs,
});
const calm: Situation = { thresholds: usualThresholds, presses: false, runs: true, limitsWriting: false };
const then = look(800, { atMs: 0 });

test.each<[name: string, before: Look | undefined, now: Look, situation: Partial<Situation>, ms: number]>([
  ["soon behind the first look", undefined, look(800, { atMs: 0 }), {}, 10_000],
  ["twice as late when nothing has changed", then, look(800, { atMs: 10_000 }), {}, 20_000],
  ["once a minute while pods run", then, look(800, { atMs: 10_000, afterMs: 60_000 }), {}, 60_000],
  ["every five minutes while none does", then, look(900, { atMs: 10_000, afterMs: 200_000 }), { runs: false }, 300_000],
  ["soon while something is short", then, look(900, { atMs: 10_000, afterMs: 60_000 }), { presses: true }, 10_000],
  ["soon while pods are held to what they write", then, look(900, { atMs: 9 }), { limitsWriting: true }, 10_000],
  // 50 of 1,000 is short: 600 are left for 10 a second.
  ["in half of the time that is left", then, look(650, { atMs: 15_000, afterMs: 60_000 }), {}, 30_000],
  ["not sooner than kubelet looks", then, look(60, { atMs: 15_000, afterMs: 60_000 }), {}, 10_000],
])("looks again %s", (_, before, now, situation, ms) =>
  expect(nextLookMs(before, now, { ...calm, ...situation })).toBe(ms),
);
