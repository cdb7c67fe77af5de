import { nodeFitsTerm } from "../../api/node-selection.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../api/schema/types.ts";
import type { Filter, Plugin } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import type { Snapshot } from "../snapshot.ts";

/** What the informers know of volumes. */
export interface VolumeLookup {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  storageClass(name: string): StorageClass | undefined;
}

const elsewhere = { reasons: ["node(s) didn't match PersistentVolume's node affinity"], curable: false };
const occupied = {
  reasons: [
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
  ],
  curable: true,
};

/** A pod goes where its volumes can be reached; claims that are bound at their first use are told which node it is. */
export function volumeBinding(volumes: VolumeLookup): Plugin {
  return {
    name: "VolumeBinding",
    filter: (pod, cluster) => filterByVolumes(pod, cluster, volumes),
    mayHelp: (_pod, change) => change.of !== "pod" || !change.after,
  };
}

/** The claims of a pod by name: its own and those made for its ephemeral volumes. */
export function claimsOf({ pod, spec }: PodInfo): readonly { readonly name: string; readonly ephemeral: boolean }[] {
  return (spec.volumes ?? []).flatMap<{ name: string; ephemeral: boolean }>(
    ({ name, persistentVolumeClaim, ephemeral }) => {
      if (persistentVolumeClaim) return [{ name: persistentVolumeClaim.claimName, ephemeral: false }];
      return ephemeral ? [{ name: `${pod.metadata.name}-${name}`, ephemeral: true }] : [];
    },
  );
}

/** Whether the claim is bound when its first pod has found a node. */
export function waitsForPod(claim: PersistentVolumeClaim, volumes: VolumeLookup): boolean {
  const mode = volumes.storageClass(claim.spec?.storageClassName ?? "")?.volumeBindingMode;
  return mode === "WaitForFirstConsumer";
}

function filterByVolumes(pod: PodInfo, cluster: Snapshot, volumes: VolumeLookup): Filter | undefined {
  const bound: PersistentVolume[] = [];
  const exclusive = new Set<string>();
  for (const { name, ephemeral } of claimsOf(pod)) {
    const claim = volumes.claim(pod.namespace, name);
    if (!claim) return { sort: "nowhere", reason: absent(name, ephemeral) };
    if (claim.status?.phase === "Lost")
      return {
        sort: "nowhere",
        reason: `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName}"`,
      };
    if (claim.metadata.deletionTimestamp)
      return { sort: "nowhere", reason: `persistentvolumeclaim "${name}" is being deleted` };
    if (claim.spec?.accessModes?.includes("ReadWriteOncePod")) exclusive.add(name);
    const volume = claim.spec?.volumeName ? volumes.volume(claim.spec.volumeName) : undefined;
    if (volume && claim.status?.phase === "Bound") bound.push(volume);
    else if (!waitsForPod(claim, volumes))
      return { sort: "nowhere", reason: "pod has unbound immediate PersistentVolumeClaims" };
  }
  const reachable = bound.flatMap(({ spec }) => spec?.nodeAffinity?.required ?? []);
  if (reachable.length === 0 && exclusive.size === 0) return undefined;
  const inUse = exclusive.size > 0 && isUsed(exclusive, pod, cluster);
  return {
    sort: "nodes",
    rejects(node) {
      if (inUse) return occupied;
      const fits = reachable.every(({ nodeSelectorTerms }) =>
        nodeSelectorTerms.some((term) => nodeFitsTerm(node, term)),
      );
      return fits ? undefined : elsewhere;
    },
  };
}

function absent(name: string, ephemeral: boolean): string {
  return ephemeral
    ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
    : `persistentvolumeclaim "${name}" not found`;
}

function isUsed(exclusive: ReadonlySet<string>, pod: PodInfo, cluster: Snapshot): boolean {
  return cluster.list.some(({ pods }) =>
    [...pods.values()].some(
      (other) => other.namespace === pod.namespace && claimsOf(other).some(({ name }) => exclusive.has(name)),
    ),
  );
}
