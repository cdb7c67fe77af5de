import { setTimeout as sleep } from "node:timers/promises";

/** What is waited for cannot come any more: `eventually` gives up at once. */
export class Hopeless extends Error {
  override readonly name = "Hopeless";
}

/**
 * Repeats `check` until it no longer throws, and returns what it returns. The limit is a bound against hanging, generous
 * because machines are busy; no test expects anything to be fast.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { limitMs = 120_000, longestPauseMs = 500 } = {},
): Promise<T> {
  const end = Date.now() + limitMs;
  for (let pauseMs = 10; ; pauseMs *= 1.5) {
    const began = Date.now();
    try {
      return await check();
    } catch (error) {
      if (error instanceof Hopeless || Date.now() > end) throw error;
    }
    // A check that is work, such as a kubectl, leaves as much time to what it waits for.
    await sleep(Math.min(Math.max(pauseMs, Date.now() - began), longestPauseMs));
  }
}
