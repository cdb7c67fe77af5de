import { randomInt, randomUUID } from "node:crypto";
import { type FieldError, Path } from "../../api/field.ts";
import type { AnyObject, KubeObject, ObjectMeta, OwnerReference } from "../../api/object.ts";
import { validateLabels } from "../../api/validate/labels.ts";
import { validateAnnotations } from "../../api/validate/metadata.ts";
import {
  asPrefix,
  dnsLabel,
  dnsSubdomain,
  pathSegment,
  qualifiedName,
  type TextRule,
} from "../../api/validate/names.ts";
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
export function validateMetadata(resource: Resource, object: KubeObject): FieldError[] {
  const nameRule: TextRule = resource.kind.strategy.validateName ?? dnsSubdomain;
  return [
    ...validateWhole(resource, object.metadata, nameRule),
    ...validateStandardFinalizers(resource, object.metadata.finalizers),
  ];
}

/** What is wrong with any object's metadata, whatever its kind has to say about it. */
export function validateCommonMetadata(resource: Resource, object: KubeObject): FieldError[] {
  return validateWhole(resource, object.metadata, pathSegment);
}

function validateWhole(resource: Resource, metadata: ObjectMeta, nameRule: TextRule): FieldError[] {
  const errors: FieldError[] = [];
  if (metadata.generateName)
    for (const wrong of asPrefix(nameRule)(metadata.generateName))
      errors.push(at.child("generateName").invalid(metadata.generateName, wrong));
  if (!metadata.name) errors.push(at.child("name").required("name or generateName is required"));
  else for (const wrong of nameRule(metadata.name)) errors.push(at.child("name").invalid(metadata.name, wrong));
  errors.push(...validateNamespace(resource, metadata));
  if ((metadata.generation ?? 0) < 0)
    errors.push(at.child("generation").invalid(metadata.generation, "must be greater than or equal to 0"));
  return [...errors, ...validateTexts(metadata), ...validateFinalizers(metadata.finalizers ?? [])];
}

/** What a client writes freely, and may change at any time. */
function validateTexts({ labels, annotations, ownerReferences }: ObjectMeta): FieldError[] {
  return [
    ...validateLabels(labels, at.child("labels")),
    ...validateAnnotations(annotations, at.child("annotations")),
    ...validateOwners(ownerReferences ?? []),
  ];
}

function validateNamespace({ kind }: Resource, { namespace }: ObjectMeta): FieldError[] {
  if (kind.scope === "Cluster") return namespace ? [at.child("namespace").forbidden("not allowed on this type")] : [];
  if (!namespace) return [at.child("namespace").required()];
  return dnsLabel(namespace).map((wrong) => at.child("namespace").invalid(namespace, wrong));
}

function validateOwners(owners: readonly OwnerReference[]): FieldError[] {
  const path = at.child("ownerReferences");
  const errors: FieldError[] = [];
  let controller: string | undefined;
  for (const owner of owners) {
    const version = (owner.apiVersion ?? "").split("/").at(-1) ?? "";
    if (!version) errors.push(path.child("apiVersion").invalid(owner.apiVersion ?? "", "version must not be empty"));
    for (const field of ["kind", "name", "uid"] as const)
      if (!owner[field]) errors.push(path.child(field).invalid(owner[field] ?? "", "must not be empty"));
    if (owner.apiVersion === "v1" && owner.kind === "Event")
      errors.push(path.invalid(owner, "/v1, Kind=Event is disallowed from being an owner"));
    if (!owner.controller) continue;
    const named = `${owner.kind}/${owner.name}`;
    if (controller !== undefined)
      errors.push(
        path.invalid(
          owners,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${named}`,
        ),
      );
    controller ??= named;
  }
  return errors;
}

export const orphanFinalizer = "orphan";
export const foregroundFinalizer = "foregroundDeletion";
const standardFinalizers = new Set(["kubernetes", orphanFinalizer, foregroundFinalizer]);

function validateFinalizers(finalizers: readonly string[]): FieldError[] {
  const path = at.child("finalizers");
  const errors = finalizers.flatMap((name) => qualifiedName(name).map((wrong) => path.invalid(name, wrong)));
  if (finalizers.includes(orphanFinalizer) && finalizers.includes(foregroundFinalizer))
    errors.push(path.invalid(finalizers, `finalizer ${orphanFinalizer} and ${foregroundFinalizer} cannot be both set`));
  return errors;
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
  const errors: FieldError[] = [];
  if (old.deletionTimestamp) {
    const known = new Set(old.finalizers);
    const added = [...new Set(metadata.finalizers ?? [])].filter((finalizer) => !known.has(finalizer)).sort();
    if (added.length > 0)
      errors.push(
        at
          .child("finalizers")
          .forbidden(
            `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((f) => JSON.stringify(f)).join(", ")}}`,
          ),
      );
  }
  for (const field of ["name", "namespace", "uid", "creationTimestamp"] as const)
    if ((metadata[field] ?? "") !== (old[field] ?? ""))
      errors.push(at.child(field).invalid(metadata[field] ?? "", "field is immutable"));
  return [...errors, ...validateTexts(metadata)];
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
