import type { Kind } from "../api/kind.ts";
import type { KubeObject, ObjectKey } from "../api/object.ts";

/** The objects of a kind as the server last told them, kept up to date by a watch. What it returns is frozen and shared. */
export interface Informer<T extends KubeObject> {
  /** Resolves when the first list is there: told by the server, or remembered while none answers. */
  readonly synced: Promise<void>;
  /** Resolves when a server has told the first list: what is not in it is not there. */
  readonly confirmed: Promise<void>;
  get(key: ObjectKey): T | undefined;
  /** All, or those of a namespace, in no particular order. */
  list(namespace?: string): readonly T[];
  /** The objects for which `index` returned `value`. An index is made at its first use and kept up from then on. */
  by(index: Index<T>, value: string): readonly T[];
  /** How many they are, without looking at them. */
  count(index: Index<T>, value: string): number;
  /** Called for every object that is there (as an addition) and for each change from then on. */
  onChange(react: (change: Change<T>) => void): Disposable;
  /**
   * Resolves when every change up to this resourceVersion (of an object of this kind) has been shown. Informers with a
   * selector may never see a write that the selector leaves out; do not wait for one there.
   */
  seen(resourceVersion: string): Promise<void>;
  /** Resolves when `test` holds for what is at the key, at once if it does already. */
  until(key: ObjectKey, test: (object: T | undefined) => boolean): Promise<void>;
}

/** `before` is absent for an addition, `after` for a removal. After a gap in the watch, changes in between come as one. */
export type Change<T extends KubeObject> =
  | { readonly key: ObjectKey; readonly before?: undefined; readonly after: T }
  | { readonly key: ObjectKey; readonly before: T; readonly after: T }
  | { readonly key: ObjectKey; readonly before: T; readonly after?: undefined };

/** Computes the values under which an object is found. Declared once at module level: its identity names the index. */
export type Index<T extends KubeObject> = (object: T) => readonly string[];

export interface InformerQuery {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /**
   * "identity": of each object only its type, name, uid, resourceVersion, deletionTimestamp, finalizers and owners are
   * needed; whether there is more depends on whether somebody else needed it.
   */
  readonly keeps?: "identity" | undefined;
}

/** One informer a kind (and query) for all who ask; each is started by the first to ask. */
export interface Informers extends AsyncDisposable {
  of<T extends KubeObject>(kind: Kind<T>, query?: InformerQuery): Informer<T>;
}
