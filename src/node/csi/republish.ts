import { Backoff, sleep } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";

/** How often a driver is told again that wants to be: kubelet looks at each pod about as often. */
const everyMs = 60_000;
/** kubelet's back-off for what is done to a volume. */
const retryMs = { firstMs: 500, maxMs: 122_000 };

/** Tells drivers again of volumes that are mounted, beside the pods' own way: a driver that hangs keeps no container from restarting. */
export interface Republishing {
  /** Whether it is seen to already. */
  has(at: string): boolean;
  /**
   * `once` tells the driver, and resolves with whether it wants that again. What it throws is told to `failed`, and tried again.
   * `first`: when that is done for the first time.
   */
  follow(at: string, how: Following): void;
  forget(at: string): void;
}

interface Following {
  readonly once: () => Promise<boolean>;
  readonly failed: (error: Error) => void;
  readonly first: "now" | "later" | "never";
}

const firstMs = { now: 0, later: everyMs, never: undefined } as const;

export function openRepublishing(clock: Clock): Republishing {
  /** By the volume's place; aborted when it is taken away. */
  const followed = new Map<string, AbortController>();
  return {
    has: (at) => followed.has(at),
    follow(at, { once, failed, first }) {
      followed.get(at)?.abort();
      const end = new AbortController();
      followed.set(at, end);
      void (async () => {
        const backoff = new Backoff(retryMs, clock);
        let waitMs: number | undefined = firstMs[first];
        while (waitMs !== undefined) {
          await sleep(clock, waitMs, end.signal);
          if (end.signal.aborted) return;
          waitMs = await once().then(
            (again) => {
              backoff.reset();
              return again ? everyMs : undefined;
            },
            (error: Error) => {
              if (!end.signal.aborted) failed(error);
              return backoff.nextMs();
            },
          );
        }
      })();
    },
    forget(at) {
      followed.get(at)?.abort();
      followed.delete(at);
    },
  };
}
