import type { Clock } from "../../src/base/clock.ts";
import type { BucketRecord, Journal, Recovered, Row, Transaction } from "../../src/store/memory/journal.ts";
import type { Chance } from "./chance.ts";

/** A disk for the store: slow, refusing or cut off in the middle of a write as the simulation wants it. */
export class SimulatedDisk {
  readonly #clock: Clock;
  readonly #chance: Chance;
  readonly #rows = new Map<number, Row>();
  readonly #buckets = new Map<string, BucketRecord>();
  /** Revisions that were ever on the disk. */
  readonly #written = new Set<number>();
  /** The newest row of each key that was ever on the disk. */
  readonly #newest = new Map<string, Row>();
  /** The transaction under way, of a server that lives. */
  #underWay: Transaction | undefined;
  #server = 0;
  #mark = 0;
  #clean = true;
  /** How long a write takes. */
  writeMs = 1;
  /** Until when no write comes to an end. */
  stalledUntilMs = 0;
  /** Whether there is no room on it. */
  full = false;
  /** Told of every row that comes to the disk, in their order. */
  onRow: (row: Row) => void = () => {};

  constructor(clock: Clock, chance: Chance) {
    this.#clock = clock;
    this.#chance = chance;
  }

  /** For a server that starts. What one before it still writes is lost. */
  open(): { journal: Journal; recovered: Recovered } {
    const server = ++this.#server;
    const rows = [...this.#rows.values()].sort((a, b) => a.entry.modRevision - b.entry.modRevision);
    return {
      journal: { append: (transaction) => this.#append(server, transaction), async [Symbol.asyncDispose]() {} },
      recovered: {
        mark: this.#mark,
        clean: this.#clean,
        buckets: [...this.#buckets.values()],
        rows: (async function* () {
          yield rows;
        })(),
      },
    };
  }

  /** The server that writes is gone from one instant to the next: the transaction under way is whole on the disk, or not at all. */
  cutOff(): void {
    this.#server++;
    if (this.#underWay && this.#chance.happens(0.5)) this.#apply(this.#underWay);
    this.#underWay = undefined;
  }

  /** Whether a write of this revision ever came to the disk. */
  has(revision: number): boolean {
    return this.#written.has(revision);
  }

  /**
   * What a server has to show when it starts: the newest value of each key, undefined where the key was deleted. Without
   * Leases and Events, which the store may lose.
   */
  *newest(): Iterable<{ key: string; modRevision: number | undefined }> {
    for (const [key, { type, entry }] of this.#newest) {
      if (this.#buckets.get(key.split("/")[1] ?? "")?.volatile) continue;
      yield { key, modRevision: type === "put" ? entry.modRevision : undefined };
    }
  }

  async #append(server: number, transaction: Transaction): Promise<void> {
    this.#underWay = transaction;
    const takesMs = Math.max(this.writeMs, this.stalledUntilMs - this.#clock.now());
    if (takesMs > 0) await new Promise<void>((written) => void this.#clock.after(takesMs, written));
    // Nobody is there any more who could be told.
    if (server !== this.#server) return new Promise(() => {});
    this.#underWay = undefined;
    if (this.full && transaction.rows.length > 0) throw new Error("no space is left on the disk");
    this.#apply(transaction);
  }

  #apply({ removed, rows, buckets, mark, clean = false }: Transaction): void {
    for (const revision of removed) this.#rows.delete(revision);
    for (const row of rows) {
      const { key, modRevision } = row.entry;
      if (this.#written.has(modRevision)) throw new Error(`revision ${modRevision} was handed out twice`);
      this.#written.add(modRevision);
      this.#rows.set(modRevision, row);
      this.#newest.set(key, row);
      this.onRow(row);
    }
    for (const bucket of buckets) this.#buckets.set(bucket.name, bucket);
    if (mark !== undefined) [this.#mark, this.#clean] = [mark, clean];
  }
}
