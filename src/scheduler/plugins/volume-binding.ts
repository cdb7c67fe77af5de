import { nodeFitsTerm } from "../../api/node-selection.ts";
import { claimsOfPod, ephemeralClaimFault } from "../../api/pod-claims.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../api/schema/types.ts";
import { isFullyBound, waitsForPod } from "../../api/volume-match.ts";
import type { ObjectLookup } from "../objects.ts";
import type { ClusterChange, Filter, Plugin, Reservation } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import type { NodeState } from "../snapshot.ts";
import { chooseVolumes, type VolumeChoice } from "./choose-volumes.ts";

/** Makes a choice of volumes true: tells volumes whose they are, claims where they are needed, and waits for both. */
export type BindVolumes = (choice: VolumeChoice, nodeName: string, signal: AbortSignal) => Promise<void>;

const elsewhere = "node(s) didn't match PersistentVolume's node affinity";
const gone = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";

/** A pod goes where its volumes are or can be; claims that wait for their first pod get theirs when its node is chosen. */
export function volumeBinding(objects: ObjectLookup, bindVolumes: BindVolumes): Plugin {
  /** Volumes that were chosen for a claim whose binding is on its way. */
  const taken = new Map<string, string>();
  const isTaken = ({ metadata }: PersistentVolume, claim: PersistentVolumeClaim): boolean => {
    const by = taken.get(metadata.name);
    return by !== undefined && by !== claim.metadata.uid;
  };

  return {
    name: "VolumeBinding",
    filter: (pod) => filterByVolumes(pod, objects, isTaken),
    mayHelp: (pod, change) => mayHelp(pod, change),
    reserve(pod, node): Reservation | undefined {
      const sorted = sortedClaims(pod, objects);
      if (typeof sorted === "string" || sorted.late.length === 0) return undefined;
      const choice = chooseVolumes(sorted.late, node, { objects, isTaken });
      if ("reason" in choice) return undefined;
      for (const { volume, claim } of choice.bind) taken.set(volume.metadata.name, claim.metadata.uid ?? "");
      return {
        prepare: (signal) => bindVolumes(choice, node.name, signal),
        release() {
          for (const { volume } of choice.bind) taken.delete(volume.metadata.name);
        },
      };
    },
  };
}

interface SortedClaims {
  readonly bound: readonly PersistentVolumeClaim[];
  /** Those that are bound when their first pod has found a node. */
  readonly late: readonly PersistentVolumeClaim[];
}

/** The claims of a pod, or why it cannot go anywhere with them. */
function sortedClaims(pod: PodInfo, objects: ObjectLookup): SortedClaims | string {
  const bound: PersistentVolumeClaim[] = [];
  const late: PersistentVolumeClaim[] = [];
  let isEarlyUnbound = false;
  for (const { name, isEphemeral } of claimsOfPod(pod.pod)) {
    const claim = objects.claim(pod.namespace, name);
    if (!claim) return absent(name, isEphemeral);
    if (claim.status?.phase === "Lost")
      return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName}"`;
    if (claim.metadata.deletionTimestamp) return `persistentvolumeclaim "${name}" is being deleted`;
    const fault = isEphemeral ? ephemeralClaimFault(claim, pod.pod) : undefined;
    if (fault) return fault;
    if (isFullyBound(claim)) bound.push(claim);
    else if (!claim.spec?.volumeName && waitsForPod(claim, objects.storageClass)) late.push(claim);
    else isEarlyUnbound = true;
  }
  return isEarlyUnbound ? "pod has unbound immediate PersistentVolumeClaims" : { bound, late };
}

function filterByVolumes(
  pod: PodInfo,
  objects: ObjectLookup,
  isTaken: (volume: PersistentVolume, claim: PersistentVolumeClaim) => boolean,
): Filter | undefined {
  const sorted = sortedClaims(pod, objects);
  if (typeof sorted === "string") return { sort: "nowhere", reason: sorted };
  const { bound, late } = sorted;
  if (bound.length + late.length === 0) return undefined;
  const volumes = bound.map(({ spec }) => objects.volume(spec?.volumeName ?? ""));
  const isGone = volumes.some((volume) => !volume);
  return {
    sort: "nodes",
    rejects(node) {
      const reasons: string[] = [];
      if (!volumes.every((volume) => !volume || isReachable(volume, node))) reasons.push(elsewhere);
      const choice = chooseVolumes(late, node, { objects, isTaken });
      if ("reason" in choice) reasons.push(choice.reason);
      if (isGone) reasons.push(gone);
      return reasons.length > 0 ? { reasons, curable: false } : undefined;
    },
  };
}

function isReachable({ spec }: PersistentVolume, node: NodeState): boolean {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
  return !terms || terms.some((term) => nodeFitsTerm(node, term));
}

function absent(name: string, isEphemeral: boolean): string {
  return isEphemeral
    ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
    : `persistentvolumeclaim "${name}" not found`;
}

function mayHelp(pod: PodInfo, change: ClusterChange): boolean {
  if (change.of === "pod" || !change.after) return false;
  if (change.of === "node")
    return (
      !change.before || JSON.stringify(change.before.metadata.labels) !== JSON.stringify(change.after.metadata.labels)
    );
  const { kind, metadata } = change.after;
  if (kind !== "PersistentVolumeClaim") return true;
  return metadata.namespace === pod.namespace && claimsOfPod(pod.pod).some(({ name }) => name === metadata.name);
}
