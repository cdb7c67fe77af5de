import type { FieldError, Path } from "../field.ts";
import type { ObjectMeta, OwnerReference } from "../object.ts";
import { validateLabels } from "./labels.ts";
import { validateAnnotations } from "./metadata.ts";
import { asPrefix, dnsLabel, qualifiedName, type TextRule } from "./names.ts";

export const orphanFinalizer = "orphan";
export const foregroundFinalizer = "foregroundDeletion";
/** Kubernetes' own finalizers, which have no domain in front. */
export const standardFinalizers: ReadonlySet<string> = new Set(["kubernetes", orphanFinalizer, foregroundFinalizer]);

/** What is wrong with the metadata of an object (API reference, "ObjectMeta"). */
export function validateObjectMeta(
  metadata: ObjectMeta,
  at: Path,
  { nameRule, isNamespaced }: { readonly nameRule: TextRule; readonly isNamespaced: boolean },
): FieldError[] {
  const errors: FieldError[] = [];
  if (metadata.generateName)
    for (const wrong of asPrefix(nameRule)(metadata.generateName))
      errors.push(at.child("generateName").invalid(metadata.generateName, wrong));
  if (!metadata.name) errors.push(at.child("name").required("name or generateName is required"));
  else for (const wrong of nameRule(metadata.name)) errors.push(at.child("name").invalid(metadata.name, wrong));
  errors.push(...validateNamespace(metadata.namespace, at.child("namespace"), isNamespaced));
  if ((metadata.generation ?? 0) < 0)
    errors.push(at.child("generation").invalid(metadata.generation, "must be greater than or equal to 0"));
  return [...errors, ...validateTexts(metadata, at), ...validateFinalizers(metadata.finalizers ?? [], at)];
}

/** What is wrong with a change of metadata. */
export function validateObjectMetaUpdate(metadata: ObjectMeta, old: ObjectMeta, at: Path): FieldError[] {
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
  return [...errors, ...validateTexts(metadata, at)];
}

/** What a client writes freely, and may change at any time. */
function validateTexts({ labels, annotations, ownerReferences }: ObjectMeta, at: Path): FieldError[] {
  return [
    ...validateLabels(labels, at.child("labels")),
    ...validateAnnotations(annotations, at.child("annotations")),
    ...validateOwners(ownerReferences ?? [], at.child("ownerReferences")),
  ];
}

function validateNamespace(namespace: string | undefined, at: Path, isNamespaced: boolean): FieldError[] {
  if (!isNamespaced) return namespace ? [at.forbidden("not allowed on this type")] : [];
  if (!namespace) return [at.required()];
  return dnsLabel(namespace).map((wrong) => at.invalid(namespace, wrong));
}

function validateOwners(owners: readonly OwnerReference[], at: Path): FieldError[] {
  const errors: FieldError[] = [];
  let controller: string | undefined;
  for (const owner of owners) {
    const version = (owner.apiVersion ?? "").split("/").at(-1) ?? "";
    if (!version) errors.push(at.child("apiVersion").invalid(owner.apiVersion ?? "", "version must not be empty"));
    for (const field of ["kind", "name", "uid"] as const)
      if (!owner[field]) errors.push(at.child(field).invalid(owner[field] ?? "", "must not be empty"));
    if (owner.apiVersion === "v1" && owner.kind === "Event")
      errors.push(at.invalid(owner, "/v1, Kind=Event is disallowed from being an owner"));
    if (!owner.controller) continue;
    const named = `${owner.kind}/${owner.name}`;
    if (controller !== undefined)
      errors.push(
        at.invalid(
          owners,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${named}`,
        ),
      );
    controller ??= named;
  }
  return errors;
}

function validateFinalizers(finalizers: readonly string[], at: Path): FieldError[] {
  const path = at.child("finalizers");
  const errors = finalizers.flatMap((name) => qualifiedName(name).map((wrong) => path.invalid(name, wrong)));
  if (finalizers.includes(orphanFinalizer) && finalizers.includes(foregroundFinalizer))
    errors.push(path.invalid(finalizers, `finalizer ${orphanFinalizer} and ${foregroundFinalizer} cannot be both set`));
  return errors;
}
