/**
 * A process that writes to a store until it is killed: `node writer.ts DIRECTORY`. Prints a line for each write that was
 * acknowledged (what, key, revision) or refused ("refused", key, why).
 */
import { writeSync } from "node:fs";
import { systemClock } from "../../../src/base/clock.ts";
import { noLog } from "../../../src/base/log.ts";
import { StoreUnavailable } from "../../../src/store/contract.ts";
import { openStore } from "../../../src/store/open.ts";

const [directory = ""] = process.argv.slice(2);
const store = await openStore(
  { kind: "sqlite", directory, history: { events: 100, bytes: 1 << 20 } },
  { clock: systemClock, log: noLog },
);
// At once and not through a stream: a line that was printed was an acknowledgement, whenever the process dies.
function say(line: string): void {
  let left = Buffer.from(`${line}\n`);
  while (left.length > 0) {
    try {
      left = left.subarray(writeSync(1, left));
    } catch (error) {
      // The pipe is full; whoever reads it is busy.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
say(`open ${store.revision}`);

await Promise.all(
  Array.from({ length: 8 }, async (_, writer) => {
    for (let i = 0; ; i++) {
      const key = `/pods/w${writer}-${i % 40}`;
      const isRemoval = i % 7 === 6 && store.get(key) !== undefined;
      const value = (revision: number) => Buffer.from(`${revision}-${"x".repeat(i % 900)}`);
      try {
        const entry = await store[isRemoval ? "delete" : "put"](key, { expected: "any", value });
        say(`${isRemoval ? "delete" : "put"} ${key} ${entry.modRevision}`);
        await store.put(`/leases/w${writer}`, { expected: "any", value, durability: "memory" });
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        say(`refused ${key} ${error.message}`);
      }
    }
  }),
);
