/** How long a container that keeps ending waits (Kubernetes docs, "Pod Lifecycle", section "Container restarts"). */
export interface CrashBackOff {
  readonly delayMs: number;
  /** When the delay was last made longer. */
  readonly grownAtMs: number;
}

const firstMs = 10_000;
export const longestMs = 300_000;
/** After this long without a restart the waits begin small again. */
const forgetAfterMs = 600_000;

/** Milliseconds that a container which ended at `finishedAtMs` still has to wait. */
export function waitLeftMs(backOff: CrashBackOff | undefined, finishedAtMs: number, nowMs: number): number {
  if (!backOff || isForgotten(backOff, finishedAtMs)) return 0;
  // Never longer than the delay: the clock may have been set back since the container ended.
  return Math.min(backOff.delayMs, Math.max(0, finishedAtMs + backOff.delayMs - nowMs));
}

/** The back-off after one more restart. */
export function grown(backOff: CrashBackOff | undefined, finishedAtMs: number, nowMs: number): CrashBackOff {
  if (!backOff || isForgotten(backOff, finishedAtMs)) return { delayMs: firstMs, grownAtMs: nowMs };
  return { delayMs: Math.min(backOff.delayMs * 2, longestMs), grownAtMs: nowMs };
}

function isForgotten({ grownAtMs }: CrashBackOff, finishedAtMs: number): boolean {
  return finishedAtMs - grownAtMs > forgetAfterMs;
}
