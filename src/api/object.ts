/** What every Kubernetes object has. Objects of kinds known at build time have types made from the schema (schema/types.ts). */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** An object of any kind: a custom resource, or one whose kind does not matter. */
export interface AnyObject extends KubeObject {
  [field: string]: unknown;
}

/** Kubernetes API reference, "ObjectMeta". Stored objects have name, uid, resourceVersion and creationTimestamp. */
export interface ObjectMeta {
  name: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFieldsEntry[];
  selfLink?: string;
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: "Apply" | "Update";
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: FieldsV1;
  subresource?: string;
}

/** A set of fields: "f:name", "k:{…}" (list item by key), "v:…" (set item), "." (the item itself). */
export interface FieldsV1 {
  [path: string]: FieldsV1;
}

/** Names an object of a kind that is known from the context. `namespace` is absent for cluster-scoped kinds. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** "namespace/name", or "name" for cluster-scoped objects: how objects appear in logs and work queues. */
export function keyText({ namespace, name }: ObjectKey): string {
  return namespace ? `${namespace}/${name}` : name;
}

/** The inverse of keyText. */
export function keyFrom(text: string): ObjectKey {
  const [first = "", second] = text.split("/", 2);
  return second === undefined ? { name: first } : { namespace: first, name: second };
}

/** The key of an object. */
export function keyOf(object: { metadata: { namespace?: string | undefined; name: string } }): ObjectKey {
  const { namespace, name } = object.metadata;
  return namespace ? { namespace, name } : { name };
}

/** The one owner reference with `controller: true`, if there is one. */
export function controllerRef(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((ref) => ref.controller);
}

/** Whether deletion has begun. */
export function isLeaving(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}
