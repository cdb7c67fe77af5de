import type { Clock } from "../base/clock.ts";
import { type Log, messageOf } from "../base/log.ts";

/** Answers to things that come many at once, each sort once for all of them. Disposing ends what waits and waits for what runs. */
export interface Gathering extends AsyncDisposable {
  /**
   * What to call each time that `what` happens: `work` is done some time after the first call, one round after the other.
   * `sentence` is the log's. A round that fails is told of; the next call makes the next.
   */
  of(what: string, sentence: string, work: () => Promise<void>): () => void;
}

export function openGathering({ gatherMs, clock, log }: { gatherMs: number; clock: Clock; log: Log }): Gathering {
  const timers = new Map<string, Disposable>();
  const working = new Map<string, Promise<void>>();

  async function round(what: string, sentence: string, work: () => Promise<void>): Promise<void> {
    log.debug(sentence, { what });
    try {
      await work();
    } catch (error) {
      log.warn(`${sentence}: not all of it could be done yet`, { what, error: messageOf(error) });
    }
  }

  return {
    of: (what, sentence, work) => () => {
      if (timers.has(what)) return;
      const timer = clock.after(gatherMs, () => {
        timers.delete(what);
        const before = working.get(what) ?? Promise.resolve();
        working.set(
          what,
          before.then(() => round(what, sentence, work)),
        );
      });
      timers.set(what, timer);
    },
    async [Symbol.asyncDispose]() {
      for (const timer of timers.values()) timer[Symbol.dispose]();
      await Promise.all(working.values());
    },
  };
}
