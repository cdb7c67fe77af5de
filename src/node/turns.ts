import type { Clock } from "../base/clock.ts";

/**
 * Who may burden the runtime now. A few containers start at a time, in the order in which they came; what has ended is
 * removed, one pod after the other, when nothing starts, but waits only so long.
 */
export interface Turns {
  /** @throws the signal's reason when it is aborted before the turn has come */
  start<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  remove(work: () => Promise<void>): Promise<void>;
}

export interface TurnsOptions {
  readonly clock: Clock;
  readonly startsAtOnce: number;
  /** The longest that a removal lets starts go before. */
  readonly removalWaitsMs?: number;
}

export function openTurns({ clock, startsAtOnce, removalWaitsMs = 5_000 }: TurnsOptions): Turns {
  const starts = new Set<() => void>();
  const removals: { readonly begin: () => void; readonly cameAtMs: number }[] = [];
  let starting = 0;
  let removing = false;
  let waits = false;

  function next(): void {
    for (const begin of starts) {
      if (starting >= startsAtOnce) break;
      starts.delete(begin);
      starting++;
      begin();
    }
    const [oldest] = removals;
    if (!oldest || removing) return;
    const leftMs = starting === 0 ? 0 : oldest.cameAtMs + removalWaitsMs - clock.elapsed();
    if (leftMs <= 0) {
      removing = true;
      removals.shift();
      oldest.begin();
    } else if (!waits) {
      waits = true;
      clock.after(leftMs, () => {
        waits = false;
        next();
      });
    }
  }

  function turnToStart(signal: AbortSignal): Promise<void> {
    return new Promise((done, fail) => {
      signal.throwIfAborted();
      const leave = () => {
        starts.delete(begin);
        fail(signal.reason);
      };
      const begin = () => {
        signal.removeEventListener("abort", leave);
        done();
      };
      signal.addEventListener("abort", leave, { once: true });
      starts.add(begin);
      next();
    });
  }

  return {
    async start(work, signal) {
      await turnToStart(signal);
      try {
        return await work();
      } finally {
        starting--;
        next();
      }
    },
    async remove(work) {
      await new Promise<void>((begin) => {
        removals.push({ begin, cameAtMs: clock.elapsed() });
        next();
      });
      try {
        await work();
      } finally {
        removing = false;
        next();
      }
    },
  };
}
