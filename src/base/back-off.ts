import type { Clock } from "./clock.ts";

/** Waits that grow from one failure to the next and begin small again after a success. */
export interface BackOff {
  /** Waits; resolves at once when aborted. */
  next(signal?: AbortSignal): Promise<void>;
  reset(): void;
}

export function backOff({ clock, firstMs, longestMs }: { clock: Clock; firstMs: number; longestMs: number }): BackOff {
  let waitMs = firstMs;
  return {
    next(signal) {
      const delayMs = waitMs;
      waitMs = Math.min(waitMs * 2, longestMs);
      return new Promise((done) => {
        if (signal?.aborted) return done();
        const finish = () => {
          timer[Symbol.dispose]();
          signal?.removeEventListener("abort", finish);
          done();
        };
        const timer = clock.after(delayMs, finish);
        signal?.addEventListener("abort", finish, { once: true });
      });
    },
    reset() {
      waitMs = firstMs;
    },
  };
}
