import type { AnyObject } from "../../api/object.ts";
import type { Entry, Write } from "../../store/contract.ts";
import type { Call } from "../call.ts";
import type { Registry } from "./deps.ts";
import { encodeKept, heldObject, laidOut, rememberObject } from "./held.ts";
import { storeKey } from "./resources.ts";

/*
 * The three ways in which the registry changes the store. What is written is encoded once, when its revision is known, and is
 * kept beside its entry: nobody has to decode it.
 */

/** Writes an object that must not be there yet. `object` gets its resourceVersion. @throws {RevisionConflict} when it is there */
export function putNew({ store }: Registry, { resource }: Call, object: AnyObject): Promise<Entry> {
  const { namespace, name } = object.metadata;
  const durability = resource.home.durability?.(object, undefined);
  return remembered(
    (value) =>
      store.put(storeKey(resource, namespace, name), { expected: "absent", value, ...(durability && { durability }) }),
    (resourceVersion) => withRevision(object, resourceVersion),
  );
}

/** Writes an object over an entry. `object` gets its resourceVersion. @throws {RevisionConflict} when another write came between */
export function putChanged({ store }: Registry, { resource }: Call, entry: Entry, object: AnyObject): Promise<Entry> {
  const durability = resource.home.durability?.(object, heldObject(entry));
  return remembered(
    (value) => store.put(entry.key, { expected: entry.modRevision, value, ...(durability && { durability }) }),
    (resourceVersion) => withRevision(object, resourceVersion),
  );
}

/** Removes an entry. Watchers are shown `object` at the revision of the deletion. @throws {RevisionConflict} as putChanged */
export function removeEntry({ store }: Registry, { resource }: Call, entry: Entry, object: AnyObject): Promise<Entry> {
  const durability = resource.home.durability?.(object, heldObject(entry));
  return remembered(
    (value) => store.delete(entry.key, { expected: entry.modRevision, value, ...(durability && { durability }) }),
    (resourceVersion) => ({ ...object, metadata: { ...object.metadata, resourceVersion } }),
  );
}

function withRevision(object: AnyObject, resourceVersion: string): AnyObject {
  object.metadata.resourceVersion = resourceVersion;
  return object;
}

async function remembered(
  write: (value: Write["value"]) => Promise<Entry>,
  objectAt: (resourceVersion: string) => AnyObject,
): Promise<Entry> {
  let made: AnyObject | undefined;
  const entry = await write((revision) => {
    made = laidOut(objectAt(String(revision)));
    return encodeKept(made);
  });
  if (made) rememberObject(entry, made);
  return entry;
}
