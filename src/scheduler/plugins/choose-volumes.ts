import { nodeFitsTerm } from "../../api/node-selection.ts";
import { compareQuantities } from "../../api/quantity.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../api/schema/types.ts";
import { selects } from "../../api/selector.ts";
import { selectedNode } from "../../api/volume-annotations.ts";
import { classOf, freeVolume, reservedVolume } from "../../api/volume-match.ts";
import type { ObjectLookup } from "../objects.ts";
import type { NodeState } from "../snapshot.ts";

/** Where the volumes of claims would come from on a node. */
export interface VolumeChoice {
  /** Volumes that are there already. */
  readonly bind: readonly { readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume }[];
  /** Claims for which one is to be made. */
  readonly provision: readonly PersistentVolumeClaim[];
}

export interface ChoiceSurroundings {
  readonly objects: ObjectLookup;
  /** Whether the volume is on its way to another claim. */
  readonly isTaken: (volume: PersistentVolume, claim: PersistentVolumeClaim) => boolean;
}

const noVolume = { reason: "node(s) didn't find available persistent volumes to bind" };
const noSpace = { reason: "node(s) did not have enough free storage" };

/** For claims that are bound late: a volume that the node reaches, or the promise of a provisioner. */
export function chooseVolumes(
  claims: readonly PersistentVolumeClaim[],
  node: NodeState,
  { objects, isTaken }: ChoiceSurroundings,
): VolumeChoice | { readonly reason: string } {
  const bind: { claim: PersistentVolumeClaim; volume: PersistentVolume }[] = [];
  const provision: PersistentVolumeClaim[] = [];
  const used = new Set<string>();
  // The smallest wish first, so that it does not take a volume that a larger one needs.
  for (const claim of [...claims].sort((a, b) => compareQuantities(wished(a), wished(b)))) {
    const selected = claim.metadata.annotations?.[selectedNode];
    if (selected !== undefined && selected !== node.name) return noVolume;
    const volume = selected === undefined ? findVolume(claim) : undefined;
    if (volume === "unreachable") return noVolume;
    if (volume) {
      used.add(volume.metadata.name);
      bind.push({ claim, volume });
      continue;
    }
    const storageClass = objects.storageClass(classOf(claim));
    if (!storageClass || !canProvision(storageClass, node)) return noVolume;
    if (!hasSpace(claim, storageClass, { node, objects })) return noSpace;
    provision.push(claim);
  }
  return { bind, provision };

  function findVolume(claim: PersistentVolumeClaim): PersistentVolume | "unreachable" | undefined {
    const free = objects.volumes().filter((volume) => !used.has(volume.metadata.name) && !isTaken(volume, claim));
    const own = reservedVolume(claim, free);
    if (own) return reaches(node, own) ? own : "unreachable";
    return freeVolume(
      claim,
      free.filter((volume) => reaches(node, volume)),
    );
  }
}

const wished = ({ spec }: PersistentVolumeClaim): string => spec?.resources?.requests?.storage ?? "0";

function reaches(node: NodeState, { spec }: PersistentVolume): boolean {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
  return !terms || terms.some((term) => nodeFitsTerm(node, term));
}

function canProvision({ provisioner, allowedTopologies = [] }: StorageClass, { labels }: NodeState): boolean {
  if (!provisioner || provisioner === "kubernetes.io/no-provisioner") return false;
  if (allowedTopologies.length === 0) return true;
  return allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(labels[key] ?? "")),
  );
}

/** Drivers that tell how much room they have are held to it (Kubernetes docs, "Storage Capacity"). */
function hasSpace(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  { node, objects }: { node: NodeState; objects: ObjectLookup },
): boolean {
  if (!objects.csiDriver(storageClass.provisioner)?.spec.storageCapacity) return true;
  return objects
    .csiCapacities()
    .some(
      ({ storageClassName, capacity, maximumVolumeSize, nodeTopology }) =>
        storageClassName === storageClass.metadata.name &&
        selects(nodeTopology, node.labels) &&
        compareQuantities(maximumVolumeSize ?? capacity ?? "0", wished(claim)) >= 0,
    );
}
