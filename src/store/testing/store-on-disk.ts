import type { Clock } from "../../base/clock.ts";
import { noLog } from "../../base/log.ts";
import type { Store } from "../contract.ts";
import type { Journal } from "../memory/journal.ts";
import { MemoryStore } from "../memory/store.ts";

/** A store whose disk takes nothing while `isFull` says so. */
export async function aStoreOn(isFull: () => boolean, clock: Clock): Promise<Store> {
  const journal: Journal = {
    async append() {
      if (isFull()) throw new Error("no space is left");
    },
    async [Symbol.asyncDispose]() {},
  };
  const store = new MemoryStore({ journal, clock, log: noLog });
  await store.recover({ mark: 0, clean: true, buckets: [], rows: (async function* () {})() });
  return store;
}
