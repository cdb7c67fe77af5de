import type { AnyObject } from "../../api/object.ts";
import { Compacted, type Store, type Watch } from "../../store/contract.ts";
import { heldObject } from "./held.ts";

/** What is kept of the objects of some buckets. */
export interface Index {
  clear(): void;
  put(prefix: string, key: string, object: AnyObject): void;
  remove(prefix: string, key: string): void;
}

// Events that are read from the store at once.
const batch = 1000;

/**
 * Keeps an index as the store is, event by event: brought up to date at the next question after a change, and built anew
 * only when more changed in between than the store's history holds.
 */
export class Follower implements Disposable {
  readonly #store: Store;
  readonly #prefixes: readonly string[];
  readonly #index: Index;
  #watches: Watch[] = [];
  #stale = false;

  constructor(store: Store, prefixes: readonly string[], index: Index) {
    this.#store = store;
    this.#prefixes = prefixes;
    this.#index = index;
    this.#load();
  }

  refresh(): void {
    if (!this.#stale) return;
    this.#stale = false;
    try {
      for (const [i, watch] of this.#watches.entries()) {
        const prefix = this.#prefixes[i] as string;
        for (let events = watch.read(batch); events.length > 0; events = watch.read(batch))
          for (const { type, entry } of events)
            if (type === "put") this.#index.put(prefix, entry.key, heldObject(entry));
            else this.#index.remove(prefix, entry.key);
      }
    } catch (error) {
      if (!(error instanceof Compacted)) throw error;
      // More changed than the history holds: everything is read again.
      this.#load();
    }
  }

  #load(): void {
    this[Symbol.dispose]();
    this.#index.clear();
    this.#watches = this.#prefixes.map((prefix) => {
      const { entries, revision } = this.#store.list(prefix);
      for (const entry of entries) this.#index.put(prefix, entry.key, heldObject(entry));
      return this.#store.watch(prefix, revision, () => {
        this.#stale = true;
      });
    });
    this.#stale = false;
  }

  [Symbol.dispose](): void {
    for (const watch of this.#watches) watch[Symbol.dispose]();
  }
}
