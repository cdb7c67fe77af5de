import { CannotStart, CannotStartYet } from "../base/lifecycle.ts";

/**
 * The store's contract: the one etcd gives Kubernetes, in terms of bytes. The store knows no kind.
 *
 * Keys look like `/BUCKET/REST`. The bucket (the first segment) is the unit of history and of watching; Kubernetes'
 * resources are the buckets ("/pods/default/web", "/deployments.apps/default/web", "/nodes/n1").
 */
export interface Store extends AsyncDisposable {
  /** The newest committed revision. Readers and watchers never see anything newer. */
  readonly revision: number;
  /** How many bytes the newest committed values have together. */
  readonly bytes: number;

  /** The committed entry, or undefined. Never touches the disk. */
  get(key: string): Entry | undefined;

  /**
   * The newest decided entry: committed, or in a transaction that is under way. For read-modify-write only: what it
   * returns may be answered to a client only after `committed(entry)` has resolved.
   */
  latest(key: string): Entry | undefined;

  /** Resolves when the entry (from `latest`) is on disk; rejects when its transaction failed. */
  committed(entry: Entry): Promise<void>;

  /**
   * Resolves when nothing is under way with the key any more. For a removal, which leaves no entry to ask `committed` about:
   * that a key is gone may be told only when readers see it too.
   */
  settled(key: string): Promise<void>;

  /**
   * Committed entries whose key starts with `prefix`, in byte order of their keys.
   * @throws {Compacted} when `revision` is older than the bucket's history reaches
   * @throws {FutureRevision} when `revision` is newer than the newest committed revision
   */
  list(prefix: string, options?: ListOptions): ListResult;

  /** How many committed keys start with `prefix`. */
  count(prefix: string): number;

  /**
   * Writes a value. Decided at once against `latest`; resolves when the entry is durable as `write.durability` says.
   * @throws {RevisionConflict} when `expected` does not fit
   * @throws {StoreUnavailable} when the disk refused the transaction; nothing of it is kept
   */
  put(key: string, write: Write): Promise<Entry>;

  /** Removes a key. `value` becomes the last value that watchers of the deletion are shown. Errors as for `put`. */
  delete(key: string, write: Write): Promise<Entry>;

  /**
   * Subscribes to committed events with a key that starts with `prefix` and a revision above `after`.
   * `wake` is called (without arguments, possibly without need) when `read` may have something to return.
   * @throws {Compacted} when events after `after` are no longer held
   */
  watch(prefix: string, after: number, wake: () => void): Watch;

  /** Resolves with a revision that contains every write acknowledged, by whichever server, before the call. */
  readBarrier(): Promise<number> | number;

  /** Checks index, log and history against each other. @throws {Error} naming the first disagreement. For tests. */
  verify(): void;
}

export interface Entry {
  readonly key: string;
  readonly value: Buffer;
  /** The revision of the key's first write since it was last absent. */
  readonly createRevision: number;
  /** The revision of this value. */
  readonly modRevision: number;
}

export interface Write {
  /** "absent": the key must not exist. A number: the modRevision that `latest` must have. "any": no condition. */
  readonly expected: number | "absent" | "any";
  /** Makes the bytes, given the revision that they will have. Called once, synchronously, when the write is decided. */
  readonly value: (revision: number) => Buffer;
  /**
   * "commit" (default): on disk before `put` resolves. "lazy": on disk within a minute, written in one batch.
   * "memory": on disk at a clean stop only. Lazy and memory writes are visible to readers and watchers at once.
   */
  readonly durability?: Durability;
}

export type Durability = "commit" | "lazy" | "memory";

export interface ListOptions {
  /** As things were at this revision; the newest when absent. */
  readonly revision?: number;
  /** Only keys behind this one in byte order (exclusive). For paging. */
  readonly after?: string;
  /** At most this many entries. */
  readonly limit?: number;
}

export interface ListResult {
  readonly entries: readonly Entry[];
  /** The revision that the list shows. */
  readonly revision: number;
  /** How many further entries there are behind the last one; 0 at the end. */
  readonly remaining: number;
}

export interface StoreEvent {
  readonly type: "put" | "delete";
  /** The new entry; of a deletion, the key's last value at the deletion's revision. */
  readonly entry: Entry;
  /** What the key held before; undefined where it was absent. */
  readonly previous: Entry | undefined;
}

/**
 * A cursor into the bucket's history. It buffers nothing: a consumer that is too slow falls out of the history and is
 * told so.
 */
export interface Watch extends Disposable {
  /**
   * The next committed events, at most `max`, in revision order; empty when there is nothing yet.
   * @throws {Compacted} when the history moved on past the cursor
   */
  read(max: number): readonly StoreEvent[];
  /** Every event up to this revision has been read: what a bookmark may promise. */
  readonly revision: number;
}

/** The expected revision is not the one that is there. */
export class RevisionConflict extends Error {
  override readonly name = "RevisionConflict";
  /** What is there: undefined when the key is absent. */
  readonly current: Entry | undefined;
  constructor(key: string, current: Entry | undefined) {
    super(`${key} is ${current ? `at revision ${current.modRevision}` : "absent"}`);
    this.current = current;
  }
}

/** The asked revision is older than the history. */
export class Compacted extends Error {
  override readonly name = "Compacted";
  /** The oldest revision that can still be asked for. */
  readonly oldest: number;
  constructor(revision: number, oldest: number) {
    super(`revision ${revision} is gone, the oldest is ${oldest}`);
    this.oldest = oldest;
  }
}

/** The asked revision has not happened yet. */
export class FutureRevision extends Error {
  override readonly name = "FutureRevision";
  readonly newest: number;
  constructor(revision: number, newest: number) {
    super(`revision ${revision} is in the future, the newest is ${newest}`);
    this.newest = newest;
  }
}

/** The disk refused a transaction: full, read-only or broken. Later writes may succeed again. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

/** A store on a disk. */
export interface DurableStore extends Store {
  /** Copies the store as it is at some instant during the call into a new file, while it is in use. */
  backup(file: string): Promise<void>;
}

/** The database cannot be trusted: not a database, or parts of it are unreadable. The message says what to do. */
export class DamagedDatabase extends CannotStartYet {
  override readonly name = "DamagedDatabase";
}

/** The database was written by a newer version. The message says what to do. */
export class NewerFormat extends CannotStart {
  override readonly name = "NewerFormat";
}

/** Another process has the database open. */
export class DatabaseInUse extends CannotStart {
  override readonly name = "DatabaseInUse";
}
