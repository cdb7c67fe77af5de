import type { Clock } from "../../base/clock.ts";
import { type Log, messageOf } from "../../base/log.ts";
import {
  Compacted,
  type Entry,
  FutureRevision,
  type ListOptions,
  type ListResult,
  RevisionConflict,
  type Store,
  type StoreEvent,
  StoreUnavailable,
  type Watch,
  type Write,
} from "../contract.ts";
import { Bucket } from "./bucket.ts";
import type { HistoryLimits } from "./history.ts";
import type { Journal, Recovered, Row } from "./journal.ts";
import { Ledger, type LedgerWrite } from "./ledger.ts";

export const defaultHistory: HistoryLimits = { events: 4096, bytes: 4 * 1024 * 1024 };

export interface MemoryStoreOptions {
  readonly history?: HistoryLimits | undefined;
  /** Without one nothing outlives the process. */
  readonly journal?: Journal;
  /** How many revisions are reserved on disk at once. */
  readonly revisionsAhead?: number;
  /** Buckets that are to have lazy or memory writes. One that is not named becomes such with its first. */
  readonly volatileBuckets?: readonly string[] | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** A write that was decided and is not committed yet, and the promise of whoever asked for it. */
interface QueuedWrite extends LedgerWrite, PromiseWithResolvers<Entry> {
  readonly write: Write;
}

/**
 * The index, the histories and the order of writes. What goes to disk, and when, is the ledger's business: without a
 * journal this is the store in memory.
 */
export class MemoryStore implements Store {
  readonly #history: HistoryLimits;
  readonly #journal: Journal | undefined;
  readonly #ledger: Ledger | undefined;
  readonly #buckets = new Map<string, Bucket>();
  /** The newest decided event of each key that has one under way. */
  readonly #pending = new Map<string, StoreEvent>();
  /** The same writes by revision. */
  readonly #undecided = new Map<number, QueuedWrite>();
  readonly #refused = new WeakMap<Entry, StoreUnavailable>();
  #queue: QueuedWrite[] = [];
  #committing: Promise<void> | undefined;
  #closed = false;
  #forgottenBefore = 0;
  #decided = 0;
  #committed = 0;

  constructor({ history = defaultHistory, journal, clock, log, ...ahead }: MemoryStoreOptions) {
    this.#history = history;
    this.#journal = journal;
    const bucketOf = (key: string) => this.#bucketWith(key);
    const buckets = () => this.#buckets.values();
    const wantsCommit = () => this.#startCommitting();
    this.#ledger = journal && new Ledger({ journal, clock, log, bucketOf, buckets, wantsCommit, ...ahead });
  }

  /** Takes over what the journal held. Before anything else. */
  async recover({ mark, buckets, rows }: Recovered): Promise<void> {
    for (const record of buckets) {
      // What a volatile bucket was like between its rows nobody knows any more.
      const bucket = new Bucket(record.name, this.#history, record.volatile ? mark : record.compacted);
      this.#buckets.set(record.name, bucket);
      this.#ledger?.recoverBucket(bucket, record);
    }
    for await (const some of rows) for (const row of some) this.#recoverRow(row);
    this.#decided = mark;
    this.#committed = mark;
    await this.#ledger?.begin(mark);
  }

  get revision(): number {
    return this.#committed;
  }

  get bytes(): number {
    let bytes = 0;
    for (const bucket of this.#buckets.values()) bytes += bucket.bytes;
    return bytes;
  }

  get(key: string): Entry | undefined {
    return this.#buckets.get(bucketOf(key))?.get(key);
  }

  latest(key: string): Entry | undefined {
    const pending = this.#pending.get(key);
    if (pending) return pending.type === "put" ? pending.entry : undefined;
    return this.get(key);
  }

  async committed(entry: Entry): Promise<void> {
    const refused = this.#refused.get(entry);
    if (refused) throw refused;
    await this.#undecided.get(entry.modRevision)?.promise;
  }

  async settled(key: string): Promise<void> {
    for (let event = this.#pending.get(key); event; event = this.#pending.get(key))
      // Whether it succeeds is told to whoever asked for it.
      await Promise.allSettled([this.#undecided.get(event.entry.modRevision)?.promise]);
  }

  list(prefix: string, options: ListOptions = {}): ListResult {
    const revision = options.revision ?? this.#committed;
    if (revision > this.#committed) throw new FutureRevision(revision, this.#committed);
    const { entries, remaining } = this.#bucketWith(prefix).list(prefix, options);
    return { entries, remaining, revision };
  }

  count(prefix: string): number {
    return this.#buckets.get(bucketOf(prefix))?.count(prefix) ?? 0;
  }

  put(key: string, write: Write): Promise<Entry> {
    return this.#write("put", key, write);
  }

  delete(key: string, write: Write): Promise<Entry> {
    return this.#write("delete", key, write);
  }

  /**
   * What happened before this revision is not all known: the store was put back to an earlier state. Who watched then lists again.
   */
  forgetBefore(revision: number): void {
    this.#forgottenBefore = revision;
  }

  watch(prefix: string, after: number, wake: () => void): Watch {
    if (after < this.#forgottenBefore) throw new Compacted(after, this.#forgottenBefore);
    return this.#bucketWith(prefix).watch(prefix, after, () => this.#committed, wake);
  }

  readBarrier(): number {
    return this.#committed;
  }

  verify(): void {
    for (const bucket of this.#buckets.values()) bucket.verify(this.#committed);
    for (const [key, event] of this.#pending) {
      const write = this.#undecided.get(event.entry.modRevision);
      if (write?.event !== event) throw new Error(`${key} has a pending write that nobody waits for`);
      if (event.entry.modRevision <= this.#committed) throw new Error(`${key} is pending and committed`);
    }
    if (this.#undecided.size > 0 && !this.#committing) throw new Error("writes wait and nothing commits them");
    this.#ledger?.verify();
  }

  /** Commits what was decided, then refuses further writes. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#committing;
    try {
      await this.#ledger?.end(this.#decided);
    } finally {
      await this.#journal?.[Symbol.asyncDispose]();
    }
  }

  #write(type: StoreEvent["type"], key: string, write: Write): Promise<Entry> {
    try {
      const event = this.#decide(type, key, write);
      const queued = { event, write, durability: write.durability ?? "commit", ...Promise.withResolvers<Entry>() };
      this.#enqueue(queued);
      this.#startCommitting();
      return queued.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #enqueue(queued: QueuedWrite): void {
    const { key, modRevision } = queued.event.entry;
    this.#pending.set(key, queued.event);
    this.#undecided.set(modRevision, queued);
    this.#queue.push(queued);
  }

  #decide(type: StoreEvent["type"], key: string, { expected, value }: Write): StoreEvent {
    if (this.#closed) throw new StoreUnavailable("the datastore is shutting down");
    const previous = this.latest(key);
    const found = previous?.modRevision ?? "absent";
    const fits = expected === "any" || expected === found;
    if (!fits || (type === "delete" && !previous)) throw new RevisionConflict(key, previous);
    const revision = ++this.#decided;
    const createRevision = previous?.createRevision ?? revision;
    return {
      type,
      entry: { key, value: value(revision), createRevision, modRevision: revision },
      previous,
    };
  }

  #startCommitting(): void {
    this.#committing ??= this.#commitQueue();
  }

  /** Commits until the queue is empty. While one batch is on its way to the disk, the next one gathers. */
  async #commitQueue(): Promise<void> {
    // What is decided in the same turn of the event loop travels together.
    await new Promise((turn) => setImmediate(turn));
    while (this.#queue.length > 0 || this.#ledger?.flushDue) {
      const batch = this.#queue;
      this.#queue = [];
      const forOthers = this.#ledger?.flushDue || batch.some(needsDisk);
      try {
        await this.#ledger?.write(batch);
      } catch (cause) {
        if (batch.length > 0)
          this.#refuse([...batch, ...this.#queue.splice(0)], cause, forOthers ? needsDisk : () => true);
        continue;
      }
      this.#commit(batch);
    }
    this.#committing = undefined;
  }

  #commit(batch: readonly QueuedWrite[]): void {
    const ends = new Map<Bucket, number>();
    for (const { event } of batch) {
      const { key, modRevision } = event.entry;
      const bucket = this.#bucketWith(key);
      if (!ends.has(bucket)) ends.set(bucket, bucket.history.end);
      const forgotten = bucket.apply(event);
      this.#ledger?.forget(bucket, forgotten);
      if (this.#pending.get(key) === event) this.#pending.delete(key);
      this.#undecided.delete(modRevision);
      this.#committed = modRevision;
    }
    for (const { event, resolve } of batch) resolve(event.entry);
    for (const [bucket, end] of ends) bucket.wake(end);
  }

  /**
   * The disk did not take the batch. What was decided since may rest on it, so it goes too; the revisions are burnt. Writes
   * that only went with others are decided anew: nodes stay alive while the disk is full.
   */
  #refuse(writes: readonly QueuedWrite[], cause: unknown, isRefused: (write: QueuedWrite) => boolean): void {
    const error = new StoreUnavailable(`the datastore cannot write: ${messageOf(cause)}`, { cause });
    this.#pending.clear();
    this.#undecided.clear();
    for (const { event } of writes) this.#refused.set(event.entry, error);
    for (const queued of writes) {
      if (isRefused(queued)) queued.reject(error);
      else this.#decideAnew(queued);
    }
  }

  #decideAnew(queued: QueuedWrite): void {
    try {
      this.#enqueue({ ...queued, event: this.#decide(queued.event.type, queued.event.entry.key, queued.write) });
    } catch (error) {
      queued.reject(error);
    }
  }

  #recoverRow({ type, entry }: Row): void {
    const bucket = this.#bucketWith(entry.key);
    const previous = bucket.get(entry.key);
    const isHistory = entry.modRevision > bucket.history.compacted && (type === "put" || previous !== undefined);
    this.#ledger?.recoverRow(bucket, { type, entry }, isHistory);
    const event = { type, entry, previous };
    if (isHistory) {
      const forgotten = bucket.apply(event);
      this.#ledger?.forget(bucket, forgotten);
    } else {
      bucket.applyToIndex(event);
    }
  }

  #bucketWith(key: string): Bucket {
    const name = bucketOf(key);
    const bucket = this.#buckets.get(name) ?? new Bucket(name, this.#history, 0);
    this.#buckets.set(name, bucket);
    return bucket;
  }
}

const needsDisk = ({ durability }: QueuedWrite): boolean => durability === "commit";

/** "/pods/default/web" is in "pods". */
function bucketOf(key: string): string {
  const end = key.indexOf("/", 1);
  if (!key.startsWith("/") || end < 2) throw new RangeError(`${JSON.stringify(key)} does not begin with /BUCKET/`);
  return key.slice(1, end);
}
