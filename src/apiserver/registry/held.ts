import { apiVersionOf } from "../../api/kind.ts";
import type { AnyObject, KubeObject, ObjectMeta } from "../../api/object.ts";
import type { Entry } from "../../store/contract.ts";
import { customBytesIn, customObjectIn, requestFormOf } from "./custom/forms.ts";
import type { Resource } from "./resources.ts";

/*
 * Objects are held as JSON bytes of the stored version, in the layout in which they are sent: kind, apiVersion, metadata,
 * the rest. Decoding is lazy and shared: whoever holds an entry's object holds the same frozen one. The entry itself
 * keeps it only weakly, so that objects that nobody looks at cost their bytes and nothing more.
 */
const decoded = new WeakMap<Entry, WeakRef<AnyObject>>();

/** The object that an entry holds, in its stored version; frozen and shared. */
export function heldObject(entry: Entry): AnyObject {
  const known = decoded.get(entry)?.deref();
  if (known) return known;
  const object = freeze(JSON.parse(entry.value.toString()) as AnyObject);
  decoded.set(entry, new WeakRef(object));
  return object;
}

/** Says which object an entry was made from, which spares decoding it. The object is frozen. */
export function rememberObject(entry: Entry, object: AnyObject): void {
  decoded.set(entry, new WeakRef(freeze(object)));
}

/** The object of an entry in the version of a resource; frozen. */
export function objectIn(resource: Resource, entry: Entry): AnyObject {
  const object = heldObject(entry);
  if (resource.custom) return customObjectIn(resource, entry, object);
  return resource.stored ? freeze(fromStored(resource, object)) : object;
}

/** The bytes of an entry in the version of a resource: those that are held, where nothing has to change. */
export function bytesIn(resource: Resource, entry: Entry): Buffer {
  if (resource.custom) return customBytesIn(resource, entry);
  return resource.stored ? encode(objectIn(resource, entry)) : entry.value;
}

/** From the version in which a client spoke to the one that is stored. The object is given away. */
export function toStored(resource: Resource, object: AnyObject): AnyObject {
  if (!resource.stored) return object;
  const { home } = resource;
  return {
    ...(resource.stored.to(object) as AnyObject),
    kind: home.kind,
    apiVersion: apiVersionOf(home),
  };
}

export function fromStored(resource: Resource, object: AnyObject): AnyObject {
  if (!resource.stored) return object;
  const known = requestFormOf(resource, object);
  if (known) return structuredClone(known);
  return {
    ...(resource.stored.from(structuredClone(object)) as AnyObject),
    kind: resource.kind.kind,
    apiVersion: resource.groupVersion,
  };
}

/** The order in which Kubernetes writes metadata. */
const metadataOrder: readonly (keyof ObjectMeta)[] = [
  "name",
  "generateName",
  "namespace",
  "selfLink",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "labels",
  "annotations",
  "ownerReferences",
  "finalizers",
  "managedFields",
];

/** The layout in which objects are held: type first, then metadata in its order. Drops metadata that says nothing. */
export function laidOut(object: KubeObject): AnyObject {
  const { kind, apiVersion, metadata, ...rest } = object as AnyObject;
  const ordered: Partial<Record<keyof ObjectMeta, unknown>> = {};
  for (const field of metadataOrder) {
    const value = metadata?.[field];
    if (value !== undefined && value !== "" && !isEmpty(value)) ordered[field] = value;
  }
  return { kind, apiVersion, metadata: ordered as ObjectMeta, ...rest };
}

function isEmpty(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value !== "object") return false;
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
}

/** A value as it is sent, its last line ended as Kubernetes does. */
export function encode(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/**
 * The same for bytes that are kept, in memory of their own: small buffers are cut from a common one, which stays as long as
 * any of them does, with all the answers of which nothing is left.
 */
export function encodeKept(value: unknown): Buffer {
  const text = `${JSON.stringify(value)}\n`;
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** The bytes of an answer without the end of its last line: for what goes into something larger. */
export function unended(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.length - 1);
}

/** Freezes an object to its leaves; one that is frozen already is taken to be frozen throughout. */
export function freeze<T extends object>(object: T): T {
  if (Object.isFrozen(object)) return object;
  Object.freeze(object);
  for (const value of Object.values(object)) if (typeof value === "object" && value !== null) freeze(value);
  return object;
}
