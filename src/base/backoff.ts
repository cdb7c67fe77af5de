import type { Clock } from "./clock.ts";

/** The first wait and the longest. */
export interface Waits {
  readonly firstMs: number;
  readonly maxMs: number;
}

export interface BackoffOptions extends Waits {
  /** Each wait is longer by a random share of itself, up to this: 1 makes it between once and twice as long. Default 0. */
  readonly jitter?: number;
}

/** Waits that double from one failure to the next, up to a limit, and start over after `reset`. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #clock: Clock;
  #failures = 0;

  constructor(options: BackoffOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** How long to wait now; counts as one more failure. */
  nextMs(): number {
    const { firstMs, maxMs, jitter = 0 } = this.#options;
    const plainMs = delayMs(this.#failures++, { firstMs, maxMs });
    return plainMs * (1 + jitter * Math.random());
  }

  /** Waits that long; returns early, without an error, when the signal is aborted. */
  wait(signal: AbortSignal): Promise<void> {
    return sleep(this.#clock, this.nextMs(), signal);
  }

  reset(): void {
    this.#failures = 0;
  }
}

/** `firstMs` after the first failure (0 failures before it), twice that after the next, at most `maxMs`. */
export function delayMs(failuresBefore: number, { firstMs, maxMs }: Waits): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(failuresBefore, 1000));
}

/** Resolves after the time, or at once when the signal is aborted. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) return done();
    const finish = (): void => {
      timer[Symbol.dispose]();
      signal.removeEventListener("abort", finish);
      done();
    };
    const timer = clock.after(ms, finish);
    signal.addEventListener("abort", finish);
  });
}
