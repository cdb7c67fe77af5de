import type { AnyObject } from "../../../api/object.ts";
import { Compacted, type Store, type Watch } from "../../../store/contract.ts";
import { heldObject } from "../../registry/held.ts";

/** All objects of a bucket, in the order of their names: read anew only when one of them has changed. */
export class Followed<T> implements Disposable {
  readonly #store: Store;
  readonly #prefix: string;
  readonly #read: (object: AnyObject) => T;
  #watch: Watch;
  #known: readonly T[] | undefined;

  constructor(store: Store, bucket: string, read: (object: AnyObject) => T) {
    this.#store = store;
    this.#prefix = `/${bucket}/`;
    this.#read = read;
    this.#watch = this.#follow();
  }

  get all(): readonly T[] {
    this.#known ??= this.#store.list(this.#prefix).entries.map((entry) => this.#read(heldObject(entry)));
    return this.#known;
  }

  #follow(): Watch {
    const watch = this.#store.watch(this.#prefix, this.#store.revision, () => {
      this.#known = undefined;
      try {
        // What happened is not asked: all of it is read again.
        while (watch.read(100).length > 0);
      } catch (error) {
        if (!(error instanceof Compacted)) throw error;
        // More happened than the history holds.
        watch[Symbol.dispose]();
        this.#watch = this.#follow();
      }
    });
    return watch;
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }
}
