import type { Node, PersistentVolume } from "./schema/types.ts";
import { provisionedBy } from "./volume-annotations.ts";

/** The provisioner's name as users of k3s know it: their StorageClasses go on working. */
export const localPathProvisioner = "rancher.io/local-path";
export const localPathClass = "local-path";
/** On a volume: the node whose directory it is. */
export const volumeNode = "local.path.provisioner/selected-node";
/** On a volume: the directory below which its own lies. */
export const volumeRoot = "local.path.provisioner/root";
/** Holds a volume back until its directory is gone, in whatever order volume and claim are deleted. */
export const volumeFinalizer = "external-provisioner.volume.kubernetes.io/finalizer";
export const hostnameLabel = "kubernetes.io/hostname";

/** The node whose directory a volume is; undefined for volumes of others. */
export function nodeOfLocalPath({ metadata }: PersistentVolume): string | undefined {
  return metadata.annotations?.[provisionedBy] === localPathProvisioner ? metadata.annotations[volumeNode] : undefined;
}

/** What pods are scheduled by: volumes of a node are for pods on it. */
export function hostnameOf({ metadata }: Node): string {
  return metadata.labels?.[hostnameLabel] ?? metadata.name;
}

/** Whether nothing keeps a volume's data any more: its claim is gone, and its data are to go with it. */
export function isToBeErased({ spec, status }: PersistentVolume): boolean {
  return status?.phase === "Released" && spec.persistentVolumeReclaimPolicy === "Delete";
}

/** The volume without what holds it back for its directory. */
export function letGo(volume: PersistentVolume): PersistentVolume {
  const finalizers = (volume.metadata.finalizers ?? []).filter((each) => each !== volumeFinalizer);
  return { ...volume, metadata: { ...volume.metadata, finalizers } };
}
