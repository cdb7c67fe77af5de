import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { DurableStore, Store } from "./contract.ts";
import type { HistoryLimits } from "./memory/history.ts";
import { MemoryStore } from "./memory/store.ts";
import { openSqliteJournal, type SqliteOptions } from "./sqlite/journal.ts";

export type StoreOptions = MemoryOptions | DiskOptions;

export interface MemoryOptions {
  readonly kind: "memory";
  /** How much history each bucket keeps for watches. */
  readonly history?: HistoryLimits;
}

export interface DiskOptions extends SqliteOptions {
  readonly kind: "sqlite";
  readonly history?: HistoryLimits;
}

/** What a store needs of the process around it. */
export interface StoreSurroundings {
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Opens a store. Resolves when everything in it can be read.
 * @throws {DamagedDatabase}
 * @throws {NewerFormat}
 * @throws {DatabaseInUse}
 */
export function openStore(options: DiskOptions, surroundings: StoreSurroundings): Promise<DurableStore>;
export function openStore(options: StoreOptions, surroundings: StoreSurroundings): Promise<Store>;
export async function openStore(options: StoreOptions, { clock, log }: StoreSurroundings): Promise<Store> {
  const { history } = options;
  if (options.kind === "memory") return new MemoryStore({ history, clock, log });
  const { journal, recovered } = await openSqliteJournal(options, log);
  const store = new MemoryStore({ history, journal, clock, log });
  try {
    await store.recover(recovered);
  } catch (error) {
    await journal[Symbol.asyncDispose]();
    throw error;
  }
  return Object.assign(store, { backup: (file: string) => journal.backup(file) });
}
