import type { Clock } from "../clock.ts";

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /** Moves the time on by `ms`; runs what falls due on the way, in order, letting promises settle between calls. */
  advance(ms: number): Promise<void>;
  /** Somebody sets the clock, that far ahead or back: durations and timers go on as they were. */
  set(byMs: number): void;
  /** How many timers wait. */
  readonly waiting: number;
}

export function fakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = startMs;
  let setByMs = 0;
  let nextId = 0;
  const timers = new Map<number, { dueMs: number; run: () => void }>();

  return {
    now: () => nowMs + setByMs,
    elapsed: () => nowMs - startMs,
    get waiting() {
      return timers.size;
    },
    after(delayMs, run) {
      const id = nextId++;
      timers.set(id, { dueMs: nowMs + Math.max(0, Math.ceil(delayMs)), run });
      return { [Symbol.dispose]: () => void timers.delete(id) };
    },
    set(byMs) {
      setByMs += byMs;
    },
    async advance(ms) {
      const endMs = nowMs + ms;
      await settle();
      for (;;) {
        const due = [...timers]
          .filter(([, t]) => t.dueMs <= endMs)
          .sort(([a, x], [b, y]) => x.dueMs - y.dueMs || a - b)[0];
        if (!due) break;
        timers.delete(due[0]);
        nowMs = due[1].dueMs;
        due[1].run();
        await settle();
      }
      nowMs = endMs;
    },
  };
}

/** Lets everything run that is only waiting for promises. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((done) => setImmediate(done));
}
