import { CompileError } from "../../../api/cel/expression.ts";
import type { Kind } from "../../../api/kind.ts";
import type { KubeObject } from "../../../api/object.ts";
import type { Log } from "../../../base/log.ts";
import type { Store } from "../../../store/contract.ts";
import { onChange } from "../../registry/follow.ts";
import { committedObjects, prefixOf } from "../../registry/objects.ts";
import type { AdmissionSurroundings } from "../all.ts";

/**
 * What is made of all objects of a kind, in the order of their names: read anew only when one of them has changed. One whose expressions cannot
 * be read any more (an older version stored it) is left out, and said to be.
 */
export class Followed<K extends KubeObject, T> implements Disposable {
  readonly #store: Store;
  readonly #kind: Kind<K>;
  readonly #read: (object: K) => T;
  readonly #log: () => Log;
  readonly #following: Disposable;
  #known: readonly T[] | undefined;

  constructor({ store, registry }: AdmissionSurroundings, kind: Kind<K>, read: (object: K) => T) {
    this.#store = store;
    this.#kind = kind;
    this.#read = read;
    this.#log = () => registry().log;
    this.#following = onChange(store, prefixOf(kind), () => {
      this.#known = undefined;
    });
  }

  get all(): readonly T[] {
    this.#known ??= committedObjects(this.#store, this.#kind).flatMap((object) => this.#readOne(object));
    return this.#known;
  }
  #readOne(object: K): T[] {
    try {
      return [this.#read(object)];
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      const { kind, metadata } = object;
      this.#log().error("an object of admission cannot be read and is left out", { kind, name: metadata.name, error });
      return [];
    }
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
  }
}
