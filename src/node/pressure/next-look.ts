import type { Thresholds } from "../eviction-thresholds.ts";
import type { Signals } from "./signals.ts";

/** kubelet's interval: nothing is looked at more often. */
export const soonestMs = 10_000;
/** A pod can eat what is left in this time at the earliest, or nobody can: the kernel, too, ends what eats faster. */
const longestMs = { busy: 60_000, idle: 5 * 60_000 } as const;

/** What was seen at one look. */
export interface Look {
  readonly signals: Signals;
  readonly atMs: number;
  /** How long after the look before it. */
  readonly afterMs: number;
}

export interface Situation {
  readonly thresholds: Thresholds;
  /** Something is short, or was until a while ago. */
  readonly presses: boolean;
  /** Whether pods run. */
  readonly runs: boolean;
  /** Some of them may write so and so much and no more: only looking shows whether they did. */
  readonly limitsWriting: boolean;
}

/**
 * How long nothing needs to be looked at. The kernel tells nobody for free that a disk or the memory runs out, so somebody has
 * to look; but the further away the thresholds are and the slower what is left shrinks, the later.
 */
export function nextLookMs(before: Look | undefined, now: Look, situation: Situation): number {
  const { presses, runs, limitsWriting, thresholds } = situation;
  if (presses || limitsWriting || !before) return soonestMs;
  // Half of the time in which everything would be gone at the speed of now, and at most twice the pause before.
  const sooner = Math.min(timeLeftMs(before, now, thresholds) / 2, 2 * now.afterMs);
  return Math.min(runs ? longestMs.busy : longestMs.idle, Math.max(soonestMs, sooner));
}

/** When the first threshold is reached if all goes on as it did between two looks. */
function timeLeftMs(before: Look, now: Look, thresholds: Thresholds): number {
  const times = [...thresholds].map(([name, threshold]) => {
    const [was, is] = [before.signals.get(name), now.signals.get(name)];
    if (!was || !is || is.capacity <= 0 || is.available >= was.available) return Number.POSITIVE_INFINITY;
    const spentEachMs = (was.available - is.available) / Math.max(1, now.atMs - before.atMs);
    return Math.max(0, is.available - threshold(is.capacity)) / spentEachMs;
  });
  return Math.min(...times, Number.POSITIVE_INFINITY);
}
