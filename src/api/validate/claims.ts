import type { FieldError, Path } from "../field.ts";
import { signOf } from "../quantity.ts";
import type { PersistentVolumeClaimSpec, TypedObjectReference } from "../schema/types.ts";
import { validateLabelSelector } from "./labels.ts";
import { dnsLabel, dnsSubdomain } from "./names.ts";
import { validateOneOf, validateText } from "./values.ts";

export const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
export const volumeModes = ["Block", "Filesystem"];

/** What is wrong with a claim's spec: a claim's own, or that of a template for claims. */
export function validateClaimSpec(spec: PersistentVolumeClaimSpec, at: Path): FieldError[] {
  const { accessModes: modes = [], storageClassName, volumeMode, volumeAttributesClassName } = spec;
  return [
    ...(modes.length === 0 ? [at.child("accessModes").required("at least 1 access mode is required")] : []),
    ...validateLabelSelector(spec.selector, at.child("selector")),
    ...validateAccessModes(modes, at.child("accessModes")),
    ...validateStorage(spec.resources?.requests?.storage, at.child("resources").key("storage")),
    ...(storageClassName ? validateText(dnsSubdomain, storageClassName, at.child("storageClassName")) : []),
    ...(volumeMode === undefined ? [] : validateOneOf(volumeMode, volumeModes, at.child("volumeMode"))),
    ...validateSources(spec, at),
    ...(volumeAttributesClassName
      ? validateText(dnsSubdomain, volumeAttributesClassName, at.child("volumeAttributesClassName"))
      : []),
  ];
}

export function validateAccessModes(modes: readonly string[], at: Path): FieldError[] {
  const errors = modes.flatMap((mode) => validateOneOf(mode, accessModes, at));
  const shared = modes.some((mode) => mode !== "ReadWriteOncePod" && accessModes.includes(mode));
  if (modes.includes("ReadWriteOncePod") && shared)
    errors.push(at.forbidden("may not use ReadWriteOncePod with other access modes"));
  return errors;
}

function validateStorage(storage: string | undefined, at: Path): FieldError[] {
  if (storage === undefined) return [at.required()];
  return signOf(storage) <= 0 ? [at.invalid(storage, "must be greater than zero")] : [];
}

function validateSources({ dataSource, dataSourceRef }: PersistentVolumeClaimSpec, at: Path): FieldError[] {
  const errors = [
    ...(dataSource ? validateSource(dataSource, at.child("dataSource")) : []),
    ...(dataSourceRef ? validateSource(dataSourceRef, at.child("dataSourceRef")) : []),
  ];
  if (!dataSource || !dataSourceRef) return errors;
  const place = at.child("dataSource").toString();
  const same = (["apiGroup", "kind", "name"] as const).every((field) => dataSource[field] === dataSourceRef[field]);
  if (dataSourceRef.namespace)
    errors.push(at.invalid(place, "may not be specified when dataSourceRef.namespace is specified"));
  else if (!same) errors.push(at.invalid(place, "must match dataSourceRef"));
  return errors;
}

function validateSource({ apiGroup, kind = "", name = "", namespace }: TypedObjectReference, at: Path): FieldError[] {
  return [
    ...(name ? [] : [at.child("name").required()]),
    ...(kind ? [] : [at.child("kind").required()]),
    ...(apiGroup || kind === "PersistentVolumeClaim"
      ? []
      : [at.invalid(kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")]),
    ...(apiGroup ? validateText(dnsSubdomain, apiGroup, at.child("apiGroup")) : []),
    ...(namespace ? validateText(dnsLabel, namespace, at.child("namespace")) : []),
  ];
}
