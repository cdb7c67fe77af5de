import type { Kind } from "../../api/kind.ts";
import type { KubeObject, ObjectKey } from "../../api/object.ts";
import { qualified } from "../../api/status.ts";
import type { Entry, Store } from "../../store/contract.ts";
import { heldObject } from "./held.ts";
import { storeKey, storePrefix } from "./resources.ts";

/*
 * Objects of kinds that are known at build time, read from the store as what they are: a kind says both under which keys its
 * objects lie and of which type they are. Only for kinds that are stored as they are served (kind.ts, `stored`).
 */

/** The bucket of a kind: "pods", "deployments.apps". */
export function bucketOf(kind: Pick<Kind, "group" | "plural">): string {
  return qualified(kind);
}

/** What the keys of all objects of a kind begin with. */
export function prefixOf(kind: Pick<Kind, "group" | "plural">, namespace?: string): string {
  return storePrefix({ bucket: bucketOf(kind) }, namespace);
}

/** The object of an entry of the kind's bucket; frozen and shared. */
export function heldAs<T extends KubeObject>(_kind: Kind<T>, entry: Entry): T {
  return heldObject(entry) as KubeObject as T;
}

/** The object that readers see; undefined where there is none. */
export function committedObject<T extends KubeObject>(store: Store, kind: Kind<T>, key: ObjectKey): T | undefined {
  const entry = store.get(keyOf(kind, key));
  return entry && heldAs(kind, entry);
}

/** The newest object, written or being written; for decisions about writes only (store/contract.ts, `latest`). */
export function latestObject<T extends KubeObject>(store: Store, kind: Kind<T>, key: ObjectKey): T | undefined {
  const entry = store.latest(keyOf(kind, key));
  return entry && heldAs(kind, entry);
}

/** All objects that readers see, or those of one namespace, in the order of their keys. */
export function committedObjects<T extends KubeObject>(store: Store, kind: Kind<T>, namespace?: string): T[] {
  return store.list(prefixOf(kind, namespace)).entries.map((entry) => heldAs(kind, entry));
}

function keyOf(kind: Kind, { namespace, name }: ObjectKey): string {
  return storeKey({ bucket: bucketOf(kind) }, namespace, name);
}
