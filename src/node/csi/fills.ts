import { sleep } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import type { Fill } from "./driver.ts";

/** Who asks for figures of the node does not wait longer for one driver. */
const patienceMs = 2_000;

/** How full volumes are, as their drivers say; of one whose driver takes its time, what it said last. */
export interface Fills {
  /** One question a volume at a time, however often it is called. */
  of(at: string, ask: () => Promise<Fill | undefined>): Promise<Fill | undefined>;
  forget(at: string): void;
}

export function openFills(clock: Clock): Fills {
  const known = new Map<string, Fill | undefined>();
  const asking = new Map<string, Promise<Fill | undefined>>();

  function begin(at: string, ask: () => Promise<Fill | undefined>): Promise<Fill | undefined> {
    const asked = ask().then((fill) => {
      known.set(at, fill);
      return fill;
    });
    asking.set(at, asked);
    const over = () => void asking.delete(at);
    asked.then(over, over);
    return asked;
  }

  return {
    async of(at, ask) {
      const asked = asking.get(at) ?? begin(at, ask);
      const enough = new AbortController();
      const patience = sleep(clock, patienceMs, enough.signal).then(() => known.get(at));
      try {
        return await Promise.race([asked, patience]);
      } finally {
        enough.abort();
      }
    },
    forget: (at) => void known.delete(at),
  };
}
