import { claimsOfPod } from "../../api/pod-claims.ts";
import type { Volume } from "../../api/schema/types.ts";
import type { ObjectLookup } from "../objects.ts";
import type { Filter, Plugin } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import type { Snapshot } from "../snapshot.ts";
import { claimsOf } from "./claims.ts";

const occupied = {
  reasons: [
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
  ],
  curable: true,
};
const attached = { reasons: ["node(s) had no available disk"], curable: true };

/** A claim for a single pod is for one pod, and some network disks are for one pod of a node. */
export function volumeRestrictions(objects: ObjectLookup): Plugin {
  return {
    name: "VolumeRestrictions",
    filter: (pod, cluster) => filterByUse(pod, cluster, objects),
    mayHelp(pod, change) {
      if (change.of === "node") return !change.before && change.after !== undefined;
      if (change.of === "pod") return !change.after && change.before !== undefined && shares(pod, change.before);
      const { kind = "", metadata } = change.after ?? { metadata: { name: "" } };
      return kind === "PersistentVolumeClaim" && claimsOfPod(pod.pod).some(({ name }) => name === metadata.name);
    },
  };
}

function filterByUse(pod: PodInfo, cluster: Snapshot, objects: ObjectLookup): Filter | undefined {
  const disks = (pod.spec.volumes ?? []).flatMap(disksOf);
  const exclusive = new Set(
    claimsOf(pod, objects)
      .filter(({ spec }) => spec?.accessModes?.includes("ReadWriteOncePod"))
      .map(({ metadata }) => metadata.name),
  );
  if (disks.length === 0 && exclusive.size === 0) return undefined;
  const uses = (other: PodInfo): boolean =>
    other.namespace === pod.namespace && claimsOfPod(other.pod).some(({ name }) => exclusive.has(name));
  const inUse = exclusive.size > 0 && cluster.list.some(({ pods }) => [...pods.values()].some(uses));
  return {
    sort: "nodes",
    rejects({ pods }) {
      if (inUse) return occupied;
      for (const { spec } of disks.length > 0 ? pods.values() : [])
        for (const other of (spec.volumes ?? []).flatMap(disksOf))
          if (disks.some((disk) => disk.id === other.id && !(disk.readOnly && other.readOnly))) return attached;
      return undefined;
    },
  };
}

interface Disk {
  readonly id: string;
  readonly readOnly: boolean;
}

/** A disk that bears only one writer a node; one that is reached in several ways is there by each of them. */
function disksOf({ gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }: Volume): Disk[] {
  if (gcePersistentDisk)
    return [{ id: `gce ${gcePersistentDisk.pdName}`, readOnly: gcePersistentDisk.readOnly ?? false }];
  if (awsElasticBlockStore) return [{ id: `aws ${awsElasticBlockStore.volumeID}`, readOnly: false }];
  if (iscsi) return [{ id: `iscsi ${iscsi.iqn}`, readOnly: iscsi.readOnly ?? false }];
  const { monitors = [], pool = "rbd", image, readOnly = false } = rbd ?? {};
  return monitors.map((monitor) => ({ id: `rbd ${monitor} ${pool} ${image}`, readOnly }));
}

function shares(a: PodInfo, b: PodInfo): boolean {
  const disks = (pod: PodInfo) => (pod.spec.volumes ?? []).flatMap(disksOf).map(({ id }) => id);
  const names = claimsOfPod(b.pod).map(({ name }) => name);
  const sameClaim = a.namespace === b.namespace && claimsOfPod(a.pod).some(({ name }) => names.includes(name));
  return sameClaim || disks(a).some((disk) => disks(b).includes(disk));
}
