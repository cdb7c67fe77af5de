import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { DurableStore, Store } from "./contract.ts";
import type { HistoryLimits } from "./memory/history.ts";
import { MemoryStore } from "./memory/store.ts";
import { databaseName, openSqliteJournal, type SqliteOptions } from "./sqlite/journal.ts";

export { databaseName };

export type StoreOptions = MemoryOptions | DiskOptions;

export interface MemoryOptions {
  readonly kind: "memory";
  /** How much history each bucket keeps for watches. */
  readonly history?: HistoryLimits;
}

export interface DiskOptions extends SqliteOptions {
  readonly kind: "sqlite";
  readonly history?: HistoryLimits;
  /**
   * The database was put back to an earlier state: who watched before this revision is told to list again. "now": what was there
   * at any time before this opening.
   */
  readonly forgetBefore?: number | "now" | undefined;
  /** Buckets that are to have lazy or memory writes: such writes then need no disk from the first on. */
  readonly volatileBuckets?: readonly string[] | undefined;
}

/** What a store needs of the process around it. */
export interface StoreSurroundings {
  readonly clock: Clock;
  readonly log: Log;
}

/** More than a cluster of small devices writes between two copies of its database. */
const skippedRevisions = 100_000_000;

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
  const store = new MemoryStore({ history, journal, volatileBuckets: options.volatileBuckets, clock, log });
  try {
    // Revisions that were handed out after the earlier state must not be handed out again.
    const { forgetBefore = 0 } = options;
    const least = forgetBefore === "now" ? recovered.mark + skippedRevisions : forgetBefore;
    await store.recover({ ...recovered, mark: Math.max(recovered.mark, least) });
    store.forgetBefore(least);
  } catch (error) {
    await journal[Symbol.asyncDispose]();
    throw error;
  }
  return Object.assign(store, { backup: (file: string) => journal.backup(file) });
}
