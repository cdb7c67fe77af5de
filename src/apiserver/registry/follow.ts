import type { Kind } from "../../api/kind.ts";
import type { KubeObject } from "../../api/object.ts";
import { Compacted, type Store, type StoreEvent, type Watch } from "../../store/contract.ts";
import { heldAs, prefixOf } from "./objects.ts";

/** Somebody who wants to know which objects of a kind there are, and what becomes of them. */
export interface FollowedBy<T> {
  /** All that are there: told first, and again when more has happened in between than the store's history holds. */
  begin(objects: readonly T[]): void;
  /** One is new, or has changed. */
  put(object: T): void;
  /** One is gone: as it was last. */
  remove(object: T): void;
}

// Events that are read from the store at once.
const batch = 100;

/** Tells of the objects of a kind, and of every change as soon as it is committed, until it is disposed of. */
export function follow<T extends KubeObject>(store: Store, kind: Kind<T>, followed: FollowedBy<T>): Disposable {
  const prefix = prefixOf(kind);
  return lasting((wake) => {
    const { entries, revision } = store.list(prefix);
    followed.begin(entries.map((entry) => heldAs(kind, entry)));
    return store.watch(prefix, revision, () =>
      wake(({ type, entry }) => {
        const object = heldAs(kind, entry);
        if (type === "put") followed.put(object);
        else followed.remove(object);
      }),
    );
  });
}

/** Calls `changed` after something under a prefix has changed. What it was is not told: many changes may be one call. */
export function onChange(store: Store, prefix: string, changed: () => void): Disposable {
  return lasting((wake) =>
    store.watch(prefix, store.revision, () => {
      wake(() => {});
      changed();
    }),
  );
}

/** A watch that is opened anew when the history has moved on past it. `open` gets what to call when there is something to read. */
function lasting(open: (wake: (take: (event: StoreEvent) => void) => void) => Watch): Disposable {
  const readOn = (take: (event: StoreEvent) => void): void => {
    try {
      for (let events = watch.read(batch); events.length > 0; events = watch.read(batch)) events.forEach(take);
    } catch (error) {
      if (!(error instanceof Compacted)) throw error;
      watch[Symbol.dispose]();
      watch = open(readOn);
    }
  };
  let watch = open(readOn);
  return { [Symbol.dispose]: () => watch[Symbol.dispose]() };
}
