import type { Clock } from "../../base/clock.ts";
import { type Log, messageOf } from "../../base/log.ts";
import type { Durability, Entry, StoreEvent } from "../contract.ts";
import type { Bucket } from "./bucket.ts";
import { type BucketRecord, type Journal, JournalLost, type Row } from "./journal.ts";

// Reserved ahead on disk: at a thousand writes a second in memory one reservation lasts 17 minutes.
const defaultRevisionsAhead = 1_000_000;
// Rows are removed many at a time, because neighbours share a page.
const removalsAtOnce = 256;
const mostRemovals = 2048;
const lazyDelayMs = 60_000;

export interface LedgerOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly bucketOf: (key: string) => Bucket;
  readonly buckets: () => Iterable<Bucket>;
  /** How many revisions are reserved on disk at once. */
  readonly revisionsAhead?: number | undefined;
  /** Asks the store to commit, with or without writes waiting. */
  readonly wantsCommit: () => void;
  /** Buckets that are to have lazy or memory writes. */
  readonly volatileBuckets?: readonly string[] | undefined;
}

export interface LedgerWrite {
  readonly event: StoreEvent;
  readonly durability: Durability;
}

interface Removal {
  readonly bucket: Bucket;
  readonly revision: number;
}

/** Keeps the books of what is on disk: which rows are there, which may go, and which values are not there yet. */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #revisionsAhead: number;
  #mark = 0;
  /** Rows that neither the index nor a history needs any more, oldest first. */
  #garbage: Removal[] = [];
  /** Rows of transactions that failed: a disk that fails may have kept them nevertheless. */
  #uncertain: number[] = [];
  /** Of the buckets that have had lazy or memory writes: which row each key has. */
  readonly #volatile = new Map<Bucket, Map<string, number>>();
  /** Committed values that are not on disk. */
  readonly #unsaved = new Map<string, { readonly event: StoreEvent; readonly lazy: boolean }>();
  #timer: Disposable | undefined;
  #flushDue = false;
  /** Somebody touched the journal's files: whether they are there still shows the next transaction, if only an empty one. */
  #isTouched = false;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#revisionsAhead = options.revisionsAhead ?? defaultRevisionsAhead;
  }

  /** Whether something waits to be written although nobody waits for it. */
  get flushDue(): boolean {
    return this.#flushDue || this.#isTouched;
  }

  /** Takes note of a bucket found at start. */
  recoverBucket(bucket: Bucket, { volatile }: BucketRecord): void {
    if (volatile) this.#volatile.set(bucket, new Map());
  }

  /** Takes note of a row found at start, before it is applied to its bucket. */
  recoverRow(bucket: Bucket, { type, entry }: Row, isHistory: boolean): void {
    const rows = this.#volatile.get(bucket);
    const previous = bucket.get(entry.key);
    if (!isHistory && previous) this.#garbage.push({ bucket, revision: previous.modRevision });
    if (!isHistory && type === "delete") this.#garbage.push({ bucket, revision: entry.modRevision });
    if (type === "put") rows?.set(entry.key, entry.modRevision);
    else rows?.delete(entry.key);
  }

  isVolatile(bucket: Bucket): boolean {
    return this.#volatile.has(bucket);
  }

  /**
   * The first transaction of a run: from here on a crash is an unclean stop. A disk that does not take it is no reason not to read
   * what is there: no revision is reserved, so that every write asks the disk again, until it has room.
   */
  async begin(revision: number): Promise<void> {
    const { journal, log, bucketOf, volatileBuckets = [] } = this.#options;
    // Known from the first moment: such a write then needs no disk, not even the first one.
    const stable = volatileBuckets.map((name) => bucketOf(`/${name}/`)).filter((bucket) => !this.isVolatile(bucket));
    const turned = new Map(stable.map((bucket) => [bucket, newestRows(bucket)]));
    const garbage = [...this.#garbage, ...stable.flatMap(replacedInHistory)];
    const removed = garbage.map((removal) => removal.revision);
    const mark = revision + this.#revisionsAhead;
    this.#mark = revision;
    try {
      await journal.append({ removed, rows: [], buckets: this.#recordsOf(garbage, stable), mark, clean: false });
    } catch (error) {
      log.warn("the datastore can be read only: the disk takes nothing", { error: messageOf(error) });
      return;
    }
    this.#watchJournal();
    this.#garbage = [];
    this.#mark = mark;
    for (const [bucket, rows] of turned) this.#volatile.set(bucket, rows);
  }

  /** Writes what has to be on disk before the batch is committed; undefined when that is nothing. */
  write(batch: readonly LedgerWrite[]): Promise<void> | undefined {
    return this.#write(batch)?.catch(async (error: unknown) => {
      await this.#writeAnew(error);
      await this.#write(batch);
    });
  }

  #write(batch: readonly LedgerWrite[]): Promise<void> | undefined {
    const flushed = this.#flushDue ? [...this.#unsaved.values()].filter(({ lazy }) => lazy) : [];
    this.#flushDue = false;
    const last = batch.at(-1)?.event.entry.modRevision ?? 0;
    const turned = this.#turnedVolatile(batch);
    const { rows, replaced, saved } = this.#rowsOf([...flushed.map(({ event }) => event), ...durable(batch)], turned);
    const isNeeded = rows.length + replaced.length + turned.size > 0 || last > this.#mark || this.#isTouched;
    this.#isTouched = false;
    if (!isNeeded) {
      this.#note(batch, saved);
      return undefined;
    }
    return this.#append({ batch, last, turned, rows, replaced, saved });
  }

  /** Events fell out of a bucket's history: what they replaced is needed no more. */
  forget(bucket: Bucket, events: readonly StoreEvent[]): void {
    if (!this.isVolatile(bucket)) this.#garbage.push(...events.flatMap((event) => replacedBy(bucket, event)));
  }

  /** The last transaction: everything that is only in memory, and the exact revision. */
  async end(revision: number): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    try {
      await this.#end(revision);
    } catch (error) {
      await this.#writeAnew(error);
      await this.#end(revision);
    }
  }

  async #end(revision: number): Promise<void> {
    const { rows, replaced } = this.#rowsOf(
      [...this.#unsaved.values()].map(({ event }) => event),
      new Map(),
    );
    const removed = [...this.#uncertain, ...this.#garbage.map((removal) => removal.revision), ...replaced];
    const buckets = this.#recordsOf(this.#garbage, []);
    await this.#options.journal.append({ removed, rows, buckets, mark: revision, clean: true });
  }

  verify(): void {
    for (const [bucket, rows] of this.#volatile) {
      for (const [key, revision] of rows) {
        if (bucket.get(key)?.modRevision === revision || this.#unsaved.has(key)) continue;
        throw new Error(`the row of ${key} at revision ${revision} is neither current nor about to be replaced`);
      }
    }
  }

  async #append({ batch, last, turned, rows, replaced, saved }: Prepared): Promise<void> {
    const garbage = this.#takeable(turned);
    const mark = last + this.#revisionsAhead / 2 > this.#mark ? last + this.#revisionsAhead : undefined;
    try {
      await this.#options.journal.append({
        removed: [...this.#uncertain, ...garbage.map((removal) => removal.revision), ...replaced],
        rows,
        buckets: this.#recordsOf(garbage, [...turned.keys()]),
        mark,
      });
    } catch (error) {
      for (const { entry } of rows) this.#uncertain.push(entry.modRevision);
      if (batch.length === 0) this.#options.log.warn("lazy writes stay in memory for now", { error: messageOf(error) });
      if (saved.size > 0) this.#armTimer();
      throw error;
    }
    this.#uncertain = [];
    const gone = new Set(garbage);
    this.#garbage = this.#garbage.filter((removal) => !gone.has(removal));
    if (mark !== undefined) this.#mark = mark;
    for (const [bucket, known] of turned) this.#volatile.set(bucket, known);
    this.#note(batch, saved);
  }

  #watchJournal(): void {
    const { journal, wantsCommit, log } = this.#options;
    try {
      journal.watch?.(() => {
        this.#isTouched = true;
        wantsCommit();
      });
    } catch (error) {
      log.warn("that the database was taken away would show with the next write only", { error: messageOf(error) });
    }
  }

  /**
   * Somebody took away what was on disk, or damaged it: all that was acknowledged is in memory still, and is written anew.
   * @throws the error itself when it says anything else
   */
  async #writeAnew(error: unknown): Promise<void> {
    const { journal, log, buckets } = this.#options;
    if (!(error instanceof JournalLost) || !journal.replace) throw error;
    const all = [...buckets()];
    const rows = all.flatMap((bucket) => (this.isVolatile(bucket) ? rowsOfIndex(bucket) : rowsOfHistory(bucket)));
    const records = all.map((bucket) => recordOf(bucket, this.isVolatile(bucket)));
    log.error("the database was lost while it was in use; it is written anew from memory", {
      error: messageOf(error),
      rows: rows.length,
    });
    await journal.replace({ rows, buckets: records, mark: this.#mark });
    for (const bucket of this.#volatile.keys()) this.#volatile.set(bucket, newestRows(bucket));
    this.#unsaved.clear();
    this.#garbage = [];
    this.#uncertain = [];
    log.info("the database is there again; nothing that was acknowledged is lost", { rows: rows.length });
  }

  /** The buckets that have their first lazy or memory write in this batch, and the rows that their keys have. */
  #turnedVolatile(batch: readonly LedgerWrite[]): Map<Bucket, Map<string, number>> {
    const turned = new Map<Bucket, Map<string, number>>();
    for (const { event, durability } of batch) {
      if (durability === "commit") continue;
      const bucket = this.#options.bucketOf(event.entry.key);
      if (this.#volatile.has(bucket) || turned.has(bucket)) continue;
      turned.set(bucket, newestRows(bucket));
    }
    return turned;
  }

  /** The rows that make the events durable, and the rows that these replace at once: those of volatile buckets. */
  #rowsOf(events: readonly StoreEvent[], turned: ReadonlyMap<Bucket, Map<string, number>>) {
    const rows: Row[] = [];
    const newest = new Map<string, StoreEvent>();
    for (const event of events) {
      const bucket = this.#options.bucketOf(event.entry.key);
      if (turned.has(bucket) || this.#volatile.has(bucket)) newest.set(event.entry.key, event);
      else rows.push(event);
    }
    const replaced: number[] = [];
    const saved = new Map<StoreEvent, Map<string, number>>();
    for (const [key, event] of newest) {
      const bucket = this.#options.bucketOf(key);
      const known = turned.get(bucket) ?? this.#volatile.get(bucket)!;
      const old = known.get(key);
      if (old !== undefined) replaced.push(old);
      if (event.type === "put") rows.push(event);
      saved.set(event, known);
    }
    return { rows, replaced, saved };
  }

  /** After the disk has it: what is saved, and what the batch left unsaved. */
  #note(batch: readonly LedgerWrite[], saved: Prepared["saved"]): void {
    for (const [event, rows] of saved) {
      const { key, modRevision } = event.entry;
      if (event.type === "put") rows.set(key, modRevision);
      else rows.delete(key);
      if (this.#unsaved.get(key)?.event === event) this.#unsaved.delete(key);
    }
    for (const { event, durability } of batch) {
      const { key } = event.entry;
      const lazy = durability === "lazy" || this.#unsaved.get(key)?.lazy === true;
      const rows = this.#volatile.get(this.#options.bucketOf(key));
      this.#unsaved.delete(key);
      const isOnDisk = durability === "commit" || (event.type === "delete" && !rows?.has(key));
      if (!isOnDisk) this.#unsaved.set(key, { event, lazy });
      if (!isOnDisk && lazy) this.#armTimer();
    }
  }

  /** What may be removed along with a transaction; of buckets that turn volatile, everything but the newest rows. */
  #takeable(turned: ReadonlyMap<Bucket, unknown>): Removal[] {
    if (turned.size > 0) return [...this.#garbage, ...[...turned.keys()].flatMap(replacedInHistory)];
    return this.#garbage.length < removalsAtOnce ? [] : this.#garbage.slice(0, mostRemovals);
  }

  #recordsOf(garbage: readonly Removal[], turned: readonly Bucket[]): BucketRecord[] {
    const buckets = new Set([...turned, ...garbage.map(({ bucket }) => bucket)]);
    return [...buckets].map((bucket) => recordOf(bucket, turned.includes(bucket) || this.isVolatile(bucket)));
  }

  #armTimer(): void {
    this.#timer ??= this.#options.clock.after(lazyDelayMs, () => {
      this.#timer = undefined;
      this.#flushDue = true;
      this.#options.wantsCommit();
    });
  }
}

interface Prepared {
  readonly batch: readonly LedgerWrite[];
  readonly last: number;
  readonly turned: ReadonlyMap<Bucket, Map<string, number>>;
  readonly rows: readonly Row[];
  readonly replaced: readonly number[];
  /** The events of volatile buckets that the rows save, with the book in which that is noted. */
  readonly saved: ReadonlyMap<StoreEvent, Map<string, number>>;
}

const recordOf = (bucket: Bucket, volatile: boolean): BucketRecord => ({
  name: bucket.name,
  compacted: bucket.history.compacted,
  volatile,
});

const putRow = (entry: Entry): Row => ({ type: "put", entry });
const rowsOfIndex = (bucket: Bucket): Row[] => [...bucket.entries()].map(putRow);

/** With what the events of the history replaced, once each. */
function rowsOfHistory(bucket: Bucket): Row[] {
  const rows = new Map(rowsOfIndex(bucket).map((row) => [row.entry.modRevision, row]));
  for (let number = bucket.history.first; number < bucket.history.end; number++) {
    const { type, entry, previous } = bucket.history.at(number)!;
    if (previous && !rows.has(previous.modRevision)) rows.set(previous.modRevision, putRow(previous));
    rows.set(entry.modRevision, { type, entry });
  }
  return [...rows.values()];
}

function durable(batch: readonly LedgerWrite[]): StoreEvent[] {
  return batch.filter(({ durability }) => durability === "commit").map(({ event }) => event);
}

function newestRows(bucket: Bucket): Map<string, number> {
  return new Map([...bucket.entries()].map(({ key, modRevision }) => [key, modRevision]));
}

/** The rows that need not be kept once the event is no history any more. */
function replacedBy(bucket: Bucket, { type, entry, previous }: StoreEvent): Removal[] {
  return [
    ...(previous ? [{ bucket, revision: previous.modRevision }] : []),
    // Behind the row that it hides: a deletion must never be forgotten before what it deleted.
    ...(type === "delete" ? [{ bucket, revision: entry.modRevision }] : []),
  ];
}

function replacedInHistory(bucket: Bucket): Removal[] {
  const { first, end } = bucket.history;
  return Array.from({ length: end - first }, (_, i) => replacedBy(bucket, bucket.history.at(first + i)!)).flat();
}
