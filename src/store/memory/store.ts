import {
  type Durability,
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

export const defaultHistory: HistoryLimits = { events: 4096, bytes: 16 * 1024 * 1024 };

/** A write that was decided and is not committed yet. */
export interface DecidedWrite {
  readonly event: StoreEvent;
  readonly durability: Durability;
}

/** A decided write and the promise of whoever asked for it. */
interface QueuedWrite extends DecidedWrite, PromiseWithResolvers<Entry> {}

/**
 * The index, the histories and the order of writes. What is on disk is the journal's business: without one this is the
 * store in memory.
 */
export class MemoryStore implements Store {
  readonly #history: HistoryLimits;
  readonly #buckets = new Map<string, Bucket>();
  /** The newest decided event of each key that has one under way. */
  readonly #pending = new Map<string, StoreEvent>();
  /** The same writes by revision. */
  readonly #undecided = new Map<number, QueuedWrite>();
  readonly #refused = new WeakMap<Entry, StoreUnavailable>();
  #queue: QueuedWrite[] = [];
  #committing: Promise<void> | undefined;
  #closed = false;
  #decided = 0;
  #committed = 0;

  constructor(history: HistoryLimits = defaultHistory) {
    this.#history = history;
  }

  get revision(): number {
    return this.#committed;
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

  watch(prefix: string, after: number, wake: () => void): Watch {
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
  }

  /** Commits what was decided, then refuses further writes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#committing;
  }

  #write(type: StoreEvent["type"], key: string, write: Write): Promise<Entry> {
    try {
      const event = this.#decide(type, key, write);
      const queued = { event, durability: write.durability ?? "commit", ...Promise.withResolvers<Entry>() };
      this.#pending.set(key, event);
      this.#undecided.set(event.entry.modRevision, queued);
      this.#queue.push(queued);
      this.#committing ??= this.#commitQueue();
      return queued.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #decide(type: StoreEvent["type"], key: string, { expected, value }: Write): StoreEvent {
    if (this.#closed) throw new StoreUnavailable("the datastore is shutting down");
    const previous = this.latest(key);
    const found = previous?.modRevision ?? "absent";
    const fits = expected === "any" ? type === "put" || previous !== undefined : expected === found;
    if (!fits) throw new RevisionConflict(key, previous);
    const revision = ++this.#decided;
    const createRevision = previous?.createRevision ?? revision;
    return {
      type,
      entry: { key, value: value(revision), createRevision, modRevision: revision },
      previous,
    };
  }

  /** Commits until the queue is empty. While one batch is on its way to the disk, the next one gathers. */
  async #commitQueue(): Promise<void> {
    // What is decided in the same turn of the event loop travels together.
    await new Promise((turn) => setImmediate(turn));
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
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
      bucket.apply(event);
      if (this.#pending.get(key) === event) this.#pending.delete(key);
      this.#undecided.delete(modRevision);
      this.#committed = modRevision;
    }
    for (const { event, resolve } of batch) resolve(event.entry);
    for (const [bucket, end] of ends) bucket.wake(end);
  }

  #bucketWith(key: string): Bucket {
    const name = bucketOf(key);
    const bucket = this.#buckets.get(name) ?? new Bucket(name, this.#history, 0);
    this.#buckets.set(name, bucket);
    return bucket;
  }
}

/** "/pods/default/web" is in "pods". */
function bucketOf(key: string): string {
  const end = key.indexOf("/", 1);
  if (!key.startsWith("/") || end < 2) throw new RangeError(`${JSON.stringify(key)} does not begin with /BUCKET/`);
  return key.slice(1, end);
}
