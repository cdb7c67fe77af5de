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

/** Whether a volume has been set aside for this very claim, by its uid or only by its name. */
export function isFor({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { namespace, name, uid } = spec?.claimRef ?? {};
  return namespace === claim.metadata.namespace && name === claim.metadata.name && (!uid || uid === claim.metadata.uid);
}

/** The volume that suits a claim best: one that is set aside for it, or else the smallest that is free. */
export function bestVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
): PersistentVolume | undefined {
  const suitable = volumes.filter((volume) => !isLeaving(volume) && fits(volume, claim));
  const reserved = suitable.filter((volume) => volume.spec?.claimRef && isFor(volume, claim));
  const free = suitable.filter(({ spec, metadata }) => !spec?.claimRef && isSelected(metadata.labels, claim));
  return smallest(reserved) ?? smallest(free);
}

function fits(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { spec } = volume;
  const { accessModes = [], volumeMode = "Filesystem", resources } = claim.spec ?? {};
  return (
    classOf(volume) === classOf(claim) &&
    (spec?.volumeMode ?? "Filesystem") === volumeMode &&
    accessModes.every((mode) => spec?.accessModes?.includes(mode)) &&
    compareQuantities(spec?.capacity?.storage ?? "0", resources?.requests?.storage ?? "0") >= 0
  );
}

function isSelected(labels: Record<string, string> | undefined, { spec }: PersistentVolumeClaim): boolean {
  return !spec?.selector || selects(spec.selector, labels);
}

function smallest(volumes: readonly PersistentVolume[]): PersistentVolume | undefined {
  const size = ({ spec }: PersistentVolume): string => spec?.capacity?.storage ?? "0";
  return [...volumes].sort((a, b) => compareQuantities(size(a), size(b)))[0];
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
