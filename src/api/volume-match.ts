import { isLeaving } from "./object.ts";
import { compareQuantities } from "./quantity.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "./schema/types.ts";
import { selects } from "./selector.ts";
import { bindCompleted } from "./volume-annotations.ts";

const olderClass = "volume.beta.kubernetes.io/storage-class";

/** The class of a claim or a volume; empty for none. */
export function classOf({ metadata, spec }: PersistentVolume | PersistentVolumeClaim): string {
  return metadata.annotations?.[olderClass] ?? spec?.storageClassName ?? "";
}

/** Whether a claim says which class it wants, be it none. */
export function namesClass({ metadata, spec }: PersistentVolumeClaim): boolean {
  return metadata.annotations?.[olderClass] !== undefined || spec.storageClassName !== undefined;
}

/** Whether a volume has been set aside for this very claim, by its uid or only by its name. */
export function isFor({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { namespace, name, uid } = spec?.claimRef ?? {};
  return namespace === claim.metadata.namespace && name === claim.metadata.name && (!uid || uid === claim.metadata.uid);
}

/** The volume that was set aside for a claim, by its claimRef, and is enough for it. */
export function reservedVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
): PersistentVolume | undefined {
  return volumes.find((volume) => isFor(volume, claim) && suits(volume, claim));
}

/** Of the volumes that are nobody's the smallest that the claim can have; of as few access modes as it needs, where said. */
export function freeVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  { fewestModes = false } = {},
): PersistentVolume | undefined {
  const free = volumes.filter(
    (volume) =>
      !volume.spec.claimRef &&
      volume.status?.phase === "Available" &&
      suits(volume, claim) &&
      classOf(volume) === classOf(claim) &&
      isSelected(volume.metadata.labels, claim),
  );
  const modes = ({ spec }: PersistentVolume): number => (fewestModes ? new Set(spec.accessModes).size : 0);
  return free.sort((a, b) => modes(a) - modes(b) || compareQuantities(sizeOf(a), sizeOf(b)))[0];
}

/** Why a claim cannot have the volume that it names; undefined when it can. */
export function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (compareQuantities(sizeOf(volume), wishOf(claim)) < 0) return "requested PV is too small";
  if (classOf(volume) !== classOf(claim)) return "storageClassName does not match";
  if (!hasMode(volume, claim)) return "incompatible volumeMode";
  if ((volume.spec.volumeAttributesClassName ?? "") !== (claim.spec.volumeAttributesClassName ?? ""))
    return "VolumeAttributesClassName does not match";
  return hasAccess(volume, claim) ? undefined : "incompatible accessMode";
}

function suits(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (
    !isLeaving(volume) &&
    hasMode(volume, claim) &&
    hasAccess(volume, claim) &&
    compareQuantities(sizeOf(volume), wishOf(claim)) >= 0
  );
}

const sizeOf = ({ spec }: PersistentVolume): string => spec.capacity?.storage ?? "0";
const wishOf = ({ spec }: PersistentVolumeClaim): string => spec.resources?.requests?.storage ?? "0";

/** Whether both want files, or both a bare device. */
export function hasMode({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (spec.volumeMode ?? "Filesystem") === (claim.spec.volumeMode ?? "Filesystem");
}

function hasAccess({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode));
}

function isSelected(labels: Record<string, string> | undefined, { spec }: PersistentVolumeClaim): boolean {
  return !spec?.selector || selects(spec.selector, labels);
}

/** Whether the claim has its volume and both sides know. */
export function isFullyBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return Boolean(spec?.volumeName && metadata.annotations?.[bindCompleted]);
}

/** Whether the claim is bound when its first pod has found a node. */
export function waitsForPod(
  claim: PersistentVolumeClaim,
  storageClass: (name: string) => StorageClass | undefined,
): boolean {
  return storageClass(classOf(claim))?.volumeBindingMode === "WaitForFirstConsumer";
}
