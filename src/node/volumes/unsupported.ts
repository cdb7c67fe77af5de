import type { PersistentVolumeSpec, Volume } from "../../api/schema/types.ts";

/** Sorts of volumes that need a driver or a program that this node does not have. */
const sorts = [
  "awsElasticBlockStore",
  "azureDisk",
  "azureFile",
  "cephfs",
  "cinder",
  "fc",
  "flexVolume",
  "flocker",
  "gcePersistentDisk",
  "gitRepo",
  "glusterfs",
  "iscsi",
  "photonPersistentDisk",
  "portworxVolume",
  "quobyte",
  "rbd",
  "scaleIO",
  "storageos",
  "vsphereVolume",
] as const;

/** Why a volume cannot be had here, in Kubernetes' words, and which sort it is. */
export function unsupported(source: Volume | PersistentVolumeSpec): string {
  const fields = source as Readonly<Record<string, unknown>>;
  const sort = sorts.find((each) => fields[each] !== undefined);
  return sort === undefined
    ? "no volume plugin matched"
    : `no volume plugin matched: skiff's nodes have none for volumes of sort ${sort}`;
}
