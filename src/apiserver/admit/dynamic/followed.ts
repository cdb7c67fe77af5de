import { CompileError } from "../../../api/cel/expression.ts";
import type { AnyObject } from "../../../api/object.ts";
import type { Log } from "../../../base/log.ts";
import { Compacted, type Store, type Watch } from "../../../store/contract.ts";
import { heldObject } from "../../registry/held.ts";
import type { AdmissionSurroundings } from "../all.ts";

/**
 * All objects of a bucket, in the order of their names: read anew only when one of them has changed. One whose expressions cannot
 * be read any more (an older version stored it) is left out, and said to be.
 */
export class Followed<T> implements Disposable {
  readonly #store: Store;
  readonly #prefix: string;
  readonly #read: (object: AnyObject) => T;
  #watch: Watch;
  #known: readonly T[] | undefined;

  readonly #log: () => Log;

  constructor({ store, registry }: AdmissionSurroundings, bucket: string, read: (object: AnyObject) => T) {
    this.#store = store;
    this.#prefix = `/${bucket}/`;
    this.#read = read;
    this.#log = () => registry().log;
    this.#watch = this.#follow();
  }

  get all(): readonly T[] {
    this.#known ??= this.#store.list(this.#prefix).entries.flatMap((entry) => this.#readOne(heldObject(entry)));
    return this.#known;
  }
  #readOne(object: AnyObject): T[] {
    try {
      return [this.#read(object)];
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      const { kind, metadata } = object;
      this.#log().error("an object of admission cannot be read and is left out", { kind, name: metadata.name, error });
      return [];
    }
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
