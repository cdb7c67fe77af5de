import { randomInt, randomUUID } from "node:crypto";
import { type FieldError, Path } from "../../api/field.ts";
import type { AnyObject, KubeObject, ObjectMeta } from "../../api/object.ts";
import { badRequest } from "../../api/status.ts";
import { dnsSubdomain, pathSegment } from "../../api/validate/names.ts";
import { standardFinalizers, validateObjectMeta, validateObjectMetaUpdate } from "../../api/validate/object-meta.ts";
import type { Resource } from "./resources.ts";

const at = new Path("metadata");

/** A time as it stands in metadata: UTC, whole seconds. */
export function timestamp(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19)}Z`;
}

// Without vowels and what looks alike, so that no word comes about (Kubernetes API conventions, "Generated values").
const suffixAlphabet = "bcdfghjklmnpqrstvwxz2456789";
const longestGenerated = 63;

export function randomSuffix(length = 5): string {
  let suffix = "";
  for (let i = 0; i < length; i++) suffix += suffixAlphabet[randomInt(suffixAlphabet.length)];
  return suffix;
}

/** A name that begins with `prefix`, which is cut so that the whole fits. */
export function generatedName(prefix: string): string {
  return prefix.slice(0, longestGenerated - 5) + randomSuffix();
}

const serversOwn = ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] as const;

/** Takes out of a new object's metadata what no client can say. */
export function wipeMetadata(metadata: ObjectMeta): void {
  // V8 is slow at deleting, even what is not there.
  for (const field of serversOwn) if (metadata[field] !== undefined) delete metadata[field];
}

/** A new object belongs to the namespace of the request. @throws {StatusError} where it says another one */
export function settleNamespace(
  { scope }: Pick<Resource["kind"], "scope">,
  metadata: ObjectMeta,
  namespace = "",
): void {
  if (scope !== "Namespaced") delete metadata.namespace;
  else if (metadata.namespace && metadata.namespace !== namespace)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  else metadata.namespace = namespace;
}

/** What the server alone decides of a new object's metadata. */
export function initMetadata(metadata: ObjectMeta, now: number): void {
  metadata.creationTimestamp = timestamp(now);
  metadata.uid = randomUUID();
  if (!metadata.name && metadata.generateName) metadata.name = generatedName(metadata.generateName);
}

/** What an update cannot change: it is taken over from the old object. */
export function keepMetadata(metadata: ObjectMeta, old: ObjectMeta): void {
  metadata.uid ||= old.uid ?? "";
  if (old.creationTimestamp) metadata.creationTimestamp = old.creationTimestamp;
  if (old.generation === undefined) delete metadata.generation;
  else metadata.generation = old.generation;
  if (old.deletionTimestamp) metadata.deletionTimestamp = old.deletionTimestamp;
  else delete metadata.deletionTimestamp;
  if (old.deletionGracePeriodSeconds !== undefined)
    metadata.deletionGracePeriodSeconds = old.deletionGracePeriodSeconds;
  else delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  metadata.resourceVersion = old.resourceVersion ?? "";
}

/** What is wrong with an object's metadata (API reference, "ObjectMeta"). */
export function validateMetadata(resource: Resource, { metadata }: KubeObject): FieldError[] {
  const { scope, strategy } = resource.kind;
  const nameRule = strategy.validateName ?? dnsSubdomain;
  return [
    ...validateObjectMeta(metadata, at, { nameRule, isNamespaced: scope === "Namespaced" }),
    ...validateStandardFinalizers(resource, metadata.finalizers),
  ];
}

/** What is wrong with any object's metadata, whatever its kind has to say about it. */
export function validateCommonMetadata(resource: Resource, { metadata }: KubeObject): FieldError[] {
  return validateObjectMeta(metadata, at, {
    nameRule: pathSegment,
    isNamespaced: resource.kind.scope === "Namespaced",
  });
}

/** Groups whose objects came later than the first: their finalizers never had short names, and nobody looks. */
const groupsWithoutShortNames = new Set([
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "apiregistration.k8s.io",
]);

/** A finalizer without a domain is one of Kubernetes' own. */
function validateStandardFinalizers({ kind, custom }: Resource, finalizers: readonly string[] = []): FieldError[] {
  if (custom || groupsWithoutShortNames.has(kind.group)) return [];
  return finalizers.flatMap((name, i) =>
    name.split("/").length === 1 && !standardFinalizers.has(name)
      ? [
          at
            .child("finalizers")
            .index(i)
            .invalid(name, "name is neither a standard finalizer name nor is it fully qualified"),
        ]
      : [],
  );
}

/** What is wrong with a change of metadata, in the eyes of the object's kind. */
export function validateMetadataUpdate(resource: Resource, metadata: ObjectMeta, old: ObjectMeta): FieldError[] {
  return [...validateCommonMetadataUpdate(metadata, old), ...validateStandardFinalizers(resource, metadata.finalizers)];
}

/** What is wrong with a change of any object's metadata. */
export function validateCommonMetadataUpdate(metadata: ObjectMeta, old: ObjectMeta): FieldError[] {
  return validateObjectMetaUpdate(metadata, old, at);
}

/** Owner references by uid: of two that name the same owner the first stays. Whether there were such. */
export function withoutRepeatedOwners(object: AnyObject): boolean {
  const owners = object.metadata.ownerReferences;
  if (!owners || owners.length < 2) return false;
  const unique = owners.filter(
    (owner, i) => owners.findIndex((other) => JSON.stringify(other) === JSON.stringify(owner)) === i,
  );
  if (unique.length === owners.length) return false;
  object.metadata.ownerReferences = unique;
  return true;
}
