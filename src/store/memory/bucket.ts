import { Compacted, type Entry, type ListOptions, type StoreEvent } from "../contract.ts";
import { History, type HistoryLimits } from "./history.ts";
import { endOf, SortedKeys } from "./sorted-keys.ts";

/** One bucket's committed entries, its newest events, and who watches it. */
export class Bucket {
  readonly name: string;
  readonly history: History;
  readonly #entries = new Map<string, Entry>();
  readonly #keys = new SortedKeys();
  #bytes = 0;
  /** By prefix: watchers of one resource share a few prefixes, so that an event is compared with few of them. */
  readonly #watchers = new Map<string, Set<Watcher>>();

  constructor(name: string, limits: HistoryLimits, compacted: number) {
    this.name = name;
    this.history = new History(limits, compacted);
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  entries(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /** Of all values together. */
  get bytes(): number {
    return this.#bytes;
  }

  count(prefix: string): number {
    return this.#keys.countBetween(prefix, endOf(prefix));
  }

  /** Makes the event part of index and history; returns the events that fell out of the history. */
  apply(event: StoreEvent): StoreEvent[] {
    this.applyToIndex(event);
    return this.history.push(event);
  }

  applyToIndex({ type, entry }: StoreEvent): void {
    this.#bytes -= this.#entries.get(entry.key)?.value.length ?? 0;
    if (type === "put") {
      this.#bytes += entry.value.length;
      this.#keys.add(entry.key);
      this.#entries.set(entry.key, entry);
    } else {
      this.#keys.delete(entry.key);
      this.#entries.delete(entry.key);
    }
  }

  /** @throws {Compacted} when `revision` is older than the history */
  list(
    prefix: string,
    { revision = Number.POSITIVE_INFINITY, after = "", limit = Number.POSITIVE_INFINITY }: ListOptions,
  ) {
    this.#mustReach(revision);
    const undone = this.#entriesAt(revision, prefix, after);
    const start = after > prefix ? after : prefix;
    const entries: Entry[] = [];
    let remaining = 0;
    for (const key of merged(this.#keysFrom(start, prefix, after), [...undone.keys()].sort())) {
      if (entries.length === limit) {
        // The rest is counted, not walked.
        remaining = this.#countAt(key, prefix, undone);
        break;
      }
      const entry = undone.has(key) ? undone.get(key) : this.#entries.get(key);
      if (entry) entries.push(entry);
    }
    return { entries, remaining };
  }

  /** Subscribes to events after a revision. @throws {Compacted} when they are no longer all held */
  watch(prefix: string, after: number, newest: () => number, wake: () => void): Watcher {
    this.#mustReach(after);
    const watchers = this.#watchers.get(prefix) ?? new Set();
    this.#watchers.set(prefix, watchers);
    const watcher = new Watcher({ history: this.history, prefix, after, newest, wake }, () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(prefix) === watchers) this.#watchers.delete(prefix);
    });
    watchers.add(watcher);
    return watcher;
  }

  /** Wakes the watchers whose prefix one of the events from number `from` on has. */
  wake(from: number): void {
    for (const [prefix, watchers] of this.#watchers) {
      for (let number = Math.max(from, this.history.first); number < this.history.end; number++) {
        if (!this.history.at(number)!.entry.key.startsWith(prefix)) continue;
        for (const watcher of watchers) watcher.notice(number);
        break;
      }
    }
  }

  /** @throws {Error} when index and history disagree */
  verify(newest: number): void {
    const fail = (what: string): never => {
      throw new Error(`bucket ${this.name}: ${what}`);
    };
    let bytes = 0;
    for (const { value } of this.#entries.values()) bytes += value.length;
    if (bytes !== this.#bytes) fail(`holds ${bytes} bytes and counts ${this.#bytes}`);
    const keys = [...this.#keys.from("")];
    if (keys.length !== this.#entries.size || keys.length !== this.#keys.size) fail("index and keys differ in size");
    for (const [i, key] of keys.entries()) {
      const entry = this.#entries.get(key) ?? fail(`${key} has no entry`);
      if (i > 0 && keys[i - 1]! >= key) fail(`${key} is out of order`);
      if (entry.key !== key) fail(`${key} holds the entry of ${entry.key}`);
      if (entry.modRevision > newest) fail(`${key} is newer than the store`);
      if (entry.createRevision > entry.modRevision) fail(`${key} was written before it was created`);
    }
    const states = new Map<string, Entry | undefined>();
    let above = newest + 1;
    for (let number = this.history.end - 1; number >= this.history.first; number--) {
      const { type, entry, previous } = this.history.at(number)!;
      const { key, modRevision } = entry;
      if (modRevision >= above) fail(`history is out of order at revision ${modRevision}`);
      if (modRevision <= this.history.compacted) fail(`history holds the compacted revision ${modRevision}`);
      above = modRevision;
      const after = states.has(key) ? states.get(key) : this.#entries.get(key);
      if ((type === "put" ? entry : undefined) !== after)
        fail(`event ${modRevision} of ${key} does not lead to what follows`);
      if (previous && previous.modRevision >= modRevision)
        fail(`event ${modRevision} of ${key} is older than what it replaced`);
      states.set(key, previous);
    }
  }

  #mustReach(revision: number): void {
    if (revision < this.history.compacted) throw new Compacted(revision, this.history.compacted);
  }

  *#keysFrom(start: string, prefix: string, after: string): Generator<string, void, undefined> {
    for (const key of this.#keys.from(start)) {
      if (!key.startsWith(prefix)) return;
      if (key !== after) yield key;
    }
  }

  /** For the keys behind `after` that events above `revision` changed: what they held at `revision`. */
  #entriesAt(revision: number, prefix: string, after: string): Map<string, Entry | undefined> {
    const undone = new Map<string, Entry | undefined>();
    if (revision === Number.POSITIVE_INFINITY) return undone;
    for (let number = this.history.end - 1; number >= this.history.first; number--) {
      const { entry, previous } = this.history.at(number)!;
      if (entry.modRevision <= revision) break;
      if (entry.key > after && entry.key.startsWith(prefix)) undone.set(entry.key, previous);
    }
    return undone;
  }

  /** How many entries there were from `key` on: those there are, corrected by what was undone. */
  #countAt(key: string, prefix: string, undone: ReadonlyMap<string, Entry | undefined>): number {
    let count = this.#keys.countBetween(key, endOf(prefix));
    for (const [changed, entry] of undone) {
      if (changed >= key) count += Number(entry !== undefined) - Number(this.#entries.has(changed));
    }
    return count;
  }
}

interface Subscription {
  readonly history: History;
  readonly prefix: string;
  readonly after: number;
  readonly newest: () => number;
  readonly wake: () => void;
}

/** A cursor into a bucket's history. */
export class Watcher {
  readonly #subscription: Subscription;
  readonly #remove: () => void;
  /**
   * The number of the first event that may have to be read; undefined when all has been. A watcher with nothing to read
   * has no place that the history could move past: events of others never push it out.
   */
  #next: number | undefined;
  #readUpTo: number;

  constructor(subscription: Subscription, remove: () => void) {
    this.#subscription = subscription;
    this.#remove = remove;
    this.#readUpTo = subscription.after;
    const first = subscription.history.firstAfter(subscription.after);
    this.#next = first < subscription.history.end ? first : undefined;
  }

  get revision(): number {
    if (this.#next === undefined) return Math.max(this.#subscription.after, this.#subscription.newest());
    return this.#readUpTo;
  }

  read(max: number): readonly StoreEvent[] {
    if (this.#next === undefined) return [];
    const { history, prefix, after } = this.#subscription;
    if (this.#next < history.first) throw new Compacted(this.#readUpTo, history.compacted);
    const events: StoreEvent[] = [];
    let number = this.#next;
    for (; number < history.end && events.length < max; number++) {
      const event = history.at(number)!;
      this.#readUpTo = Math.max(after, event.entry.modRevision);
      if (event.entry.modRevision > after && event.entry.key.startsWith(prefix)) events.push(event);
    }
    this.#next = number < history.end ? number : undefined;
    return events;
  }

  /** The event of this number has the watcher's prefix. */
  notice(number: number): void {
    if (this.#next === undefined) {
      this.#next = number;
      const event = this.#subscription.history.at(number)!;
      this.#readUpTo = Math.max(this.#subscription.after, event.entry.modRevision - 1);
    }
    this.#subscription.wake();
  }

  [Symbol.dispose](): void {
    this.#remove();
    this.#next = undefined;
  }
}

/** Two sorted sequences as one, without repeats. */
function* merged(a: Iterator<string>, b: readonly string[]): Generator<string, void, undefined> {
  let left = a.next();
  let i = 0;
  while (!left.done || i < b.length) {
    const right = b[i];
    if (left.done || (right !== undefined && right < left.value)) {
      yield right!;
      i++;
      continue;
    }
    if (right === left.value) i++;
    yield left.value;
    left = a.next();
  }
}
