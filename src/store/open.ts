import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Store } from "./contract.ts";
import { MemoryStore } from "./memory/store.ts";

export type StoreOptions = { readonly kind: "memory" };

/** What a store needs of the process around it. */
export interface StoreSurroundings {
  readonly clock: Clock;
  readonly log: Log;
}

/** Opens a store. Resolves when everything in it can be read. */
export async function openStore(_options: StoreOptions, _surroundings: StoreSurroundings): Promise<Store> {
  return new MemoryStore();
}
