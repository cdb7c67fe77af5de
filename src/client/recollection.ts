import type { Kind } from "../api/kind.ts";
import type { KubeObject, ObjectKey } from "../api/object.ts";

/**
 * What a node remembers of the API, on its own disk, so that it can begin without a server. It is told what the server says and
 * asked when no server answers. It never stands against a server's word.
 */
export interface Recollection {
  /** The objects of a kind as they were last told; undefined when the server never told. */
  list<T extends KubeObject>(kind: Kind<T>): readonly T[] | undefined;
  get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): T | undefined;
  /** These are all that there are. */
  replace<T extends KubeObject>(kind: Kind<T>, items: readonly T[]): void;
  put<T extends KubeObject>(kind: Kind<T>, object: T): void;
  remove<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): void;
  /** A text that is no object, such as a token; undefined removes it. */
  keepText(name: string, text: string | undefined): void;
  text(name: string): string | undefined;
}

/** For parts of the server itself: it answers as long as they run. */
export const noRecollection: Recollection = {
  list: () => undefined,
  get: () => undefined,
  replace() {},
  put() {},
  remove() {},
  keepText() {},
  text: () => undefined,
};
