/** The time and the timers of a part. Parts that decide by time take a Clock, so that tests and simulations own the time. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Milliseconds since an instant that is nobody's business: for durations, which must not change when the clock is set. */
  elapsed(): number;
  /** Calls `run` once after `delayMs`. The timer does not keep the process alive. Disposing it cancels the call. */
  after(delayMs: number, run: () => void): Disposable;
}

// setTimeout fires at once for delays above 2^31-1 ms; longer waits are made of several.
const longestTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(delayMs, run) {
    let timer: NodeJS.Timeout;
    let late: NodeJS.Immediate | undefined;
    // What came while the process stood still is heard first: an answer that is there already has not come too late.
    const due = (): void => void (late = setImmediate(run));
    const wait = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, longestTimerMs);
      timer = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : due()), stepMs);
      timer.unref();
    };
    wait(Math.max(0, delayMs));
    return {
      [Symbol.dispose]() {
        clearTimeout(timer);
        clearImmediate(late);
      },
    };
  },
};
