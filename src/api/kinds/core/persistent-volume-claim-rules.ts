import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../../field.ts";
import { goDiff } from "../../go-view.ts";
import { compareQuantities, signOf, unitsOf } from "../../quantity.ts";
import type { PersistentVolumeClaim } from "../../schema/types.ts";
import { qualifiedName } from "../../validate/names.ts";
import { isNativeResource } from "../../validate/resources.ts";
import { validateText } from "../../validate/values.ts";

const classAnnotation = "volume.beta.kubernetes.io/storage-class";

/** A claim's wishes are for ever, but for a bound one's size and for what was not said before. */
export function validateClaimUpdate(
  claim: PersistentVolumeClaim,
  old: PersistentVolumeClaim,
  root: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  const [after, before] = [structuredClone(claim.spec), structuredClone(old.spec)];
  if (!before.volumeName && after.volumeName) before.volumeName = after.volumeName;
  const [newNote, oldNote] = [
    claim.metadata.annotations?.[classAnnotation],
    old.metadata.annotations?.[classAnnotation],
  ];
  // The class may move from the annotation to the field.
  const moves =
    oldNote !== undefined &&
    before.storageClassName === undefined &&
    after.storageClassName === oldNote &&
    newNote === undefined;
  if (!moves && (newNote ?? "") !== (oldNote ?? ""))
    errors.push(root.child("metadata", "annotations", classAnnotation).invalid(newNote ?? "", "field is immutable"));
  const wasSilent =
    before.storageClassName === undefined && (oldNote === undefined || oldNote === after.storageClassName);
  if (after.storageClassName !== undefined && wasSilent) delete after.storageClassName;
  if (claim.status?.phase === "Bound") {
    const storage = before.resources?.requests?.storage;
    if (after.resources?.requests && storage !== undefined) after.resources.requests.storage = storage;
    if (after.volumeAttributesClassName !== undefined) {
      if (before.volumeAttributesClassName === undefined) delete after.volumeAttributesClassName;
      else after.volumeAttributesClassName = before.volumeAttributesClassName;
    }
  }
  if (!isDeepStrictEqual(after, before))
    errors.push(
      root
        .child("spec")
        .forbidden(
          `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${goDiff("PersistentVolumeClaimSpec", before, after)}`,
        ),
    );
  return [...errors, ...validateSizeChange(claim, old, root), ...validateFixedFields(claim, old, root)];
}

function validateSizeChange({ spec }: PersistentVolumeClaim, old: PersistentVolumeClaim, root: Path): FieldError[] {
  const size = spec.resources?.requests?.storage ?? "0";
  if (compareQuantities(size, old.spec.resources?.requests?.storage ?? "0") >= 0) return [];
  if (compareQuantities(size, old.status?.capacity?.storage ?? "0") > 0) return [];
  return [
    root.child("spec", "resources", "requests", "storage").forbidden("field can not be less than status.capacity"),
  ];
}

function validateFixedFields({ spec }: PersistentVolumeClaim, old: PersistentVolumeClaim, root: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.volumeMode !== old.spec.volumeMode)
    errors.push(root.child("volumeMode").invalid(spec.volumeMode, "field is immutable"));
  if (old.spec.volumeAttributesClassName === undefined) return errors;
  const at = root.child("spec", "volumeAttributesClassName");
  if (spec.volumeAttributesClassName === undefined)
    errors.push(at.forbidden("update from non-nil value to nil is forbidden"));
  else if (spec.volumeAttributesClassName === "" && old.spec.volumeAttributesClassName !== "")
    errors.push(at.forbidden("update from non-nil value to an empty string is forbidden"));
  return errors;
}

const resizeStatuses = [
  "ControllerResizeInProgress",
  "ControllerResizeInfeasible",
  "NodeResizeInProgress",
  "NodeResizeInfeasible",
  "NodeResizePending",
];

export function validateClaimStatus({ status = {} }: PersistentVolumeClaim, at: Path): FieldError[] {
  const { capacity = {}, allocatedResources = {}, allocatedResourceStatuses = {} } = status;
  const [resizes, allocated] = [at.child("allocatedResourceStatus"), at.child("allocatedResources")];
  return [
    ...Object.entries(capacity).flatMap(([name, quantity]) => validateAmount(quantity, at.child("capacity").key(name))),
    ...Object.entries(allocatedResourceStatuses).flatMap(([name, resize]) => [
      ...validateClaimResource(name, resizes),
      // Kubernetes shows the resource, not what is wrong about it.
      ...(resizeStatuses.includes(resize) ? [] : [resizes.notSupported(name, resizeStatuses)]),
    ]),
    ...Object.entries(allocatedResources).flatMap(([name, quantity]) => {
      const wrong = validateClaimResource(name, allocated);
      return wrong.length > 0 ? wrong : validateAmount(quantity, allocated.key(name));
    }),
  ];
}

function validateAmount(quantity: string, at: Path): FieldError[] {
  return signOf(quantity) < 0 ? [at.invalid(unitsOf(quantity), "must be a valid resource quantity")] : [];
}

/** Of Kubernetes' own resources a claim has no other than storage. */
function validateClaimResource(name: string, at: Path): FieldError[] {
  const wrong = validateText(qualifiedName, name, at);
  if (wrong.length > 0) return wrong;
  return isNativeResource(name) && name !== "storage" ? [at.notSupported(name, ["storage"])] : [];
}
