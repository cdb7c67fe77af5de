import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../api/schema/types.ts";
import { bindCompleted, boundByController, provisionedBy, selectedNode } from "../../api/volume-annotations.ts";
import { classOf, freeVolume, hasMode, isFor, mismatch, namesClass, reservedVolume } from "../../api/volume-match.ts";
import type { EventNews } from "../../client/events.ts";

/** What should become of a claim. */
export type ClaimStep =
  | { readonly do: "bind"; readonly volume: PersistentVolume }
  | { readonly do: "confirm"; readonly volume: PersistentVolume }
  | { readonly do: "lose"; readonly news: EventNews }
  | { readonly do: "assign"; readonly storageClass: string }
  | { readonly do: "wait"; readonly news?: EventNews; readonly provisioner?: string };

/** What the informers held when a claim came up. */
export interface ClaimSurroundings {
  readonly volumes: readonly PersistentVolume[];
  readonly storageClass: StorageClass | undefined;
  /** The name of the class that is the cluster's default one now. */
  readonly defaultClass: string | undefined;
  /** Pods that name the claim and have no node yet. */
  readonly waitingPods: readonly string[];
}

export function decideClaim(claim: PersistentVolumeClaim, surroundings: ClaimSurroundings): ClaimStep {
  const { volumes, storageClass, defaultClass: defaultClassName, waitingPods } = surroundings;
  const { volumeName } = claim.spec;
  const named = volumes.find(({ metadata }) => metadata.name === volumeName);
  if (claim.metadata.annotations?.[bindCompleted]) return keep(claim, named);
  if (volumeName) return named ? takeNamed(claim, named) : { do: "wait" };
  const isLate = storageClass?.volumeBindingMode === "WaitForFirstConsumer";
  // Which of the free ones a late claim gets is the scheduler's choice, for it knows the node.
  const found =
    reservedVolume(claim, volumes) ?? (isLate ? undefined : freeVolume(claim, volumes, { fewestModes: true }));
  if (found) return { do: "bind", volume: found };
  // A claim that was made while there was no default class gets the one that came since.
  if (defaultClassName !== undefined && !namesClass(claim)) return { do: "assign", storageClass: defaultClassName };
  if (isLate && claim.metadata.annotations?.[selectedNode] === undefined)
    return { do: "wait", news: lateNews(waitingPods) };
  return unprovided(claim, storageClass);
}

/** A claim that names its volume takes it when it is free and fits, or is for this claim already. */
function takeNamed(claim: PersistentVolumeClaim, named: PersistentVolume): ClaimStep {
  const refused = (reason: string, message: string): ClaimStep => ({
    do: "wait",
    news: { type: "Warning", reason, message },
  });
  const name = JSON.stringify(named.metadata.name);
  if (named.spec.claimRef)
    return isFor(named, claim)
      ? { do: "bind", volume: named }
      : refused("FailedBinding", `volume ${name} already bound to a different claim.`);
  const why = mismatch(named, claim);
  return why === undefined
    ? { do: "bind", volume: named }
    : refused("VolumeMismatch", `Cannot bind to requested volume ${name}: ${why}`);
}

function lateNews(waitingPods: readonly string[]): EventNews {
  if (waitingPods.length === 0)
    return {
      type: "Normal",
      reason: "WaitForFirstConsumer",
      message: "waiting for first consumer to be created before binding",
    };
  const pods = `${waitingPods.length > 1 ? "pods" : "pod"} ${waitingPods.join(",")}`;
  return { type: "Normal", reason: "WaitForPodScheduled", message: `waiting for ${pods} to be scheduled` };
}

/** What should become of a volume: the phase that it should be in, or that it be free for another claim. */
export type VolumeStep =
  | {
      readonly phase: string;
      readonly message?: string;
    }
  | { readonly release: "wholly" | "uid" }
  | { readonly mismatch: true }
  | undefined;

export function decideVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumeStep {
  const { claimRef } = volume.spec;
  if (!claimRef?.uid) return { phase: "Available" };
  if (!claim || claim.metadata.uid !== claimRef.uid) return leftBehind(volume);
  const { volumeName } = claim.spec;
  if (volumeName === volume.metadata.name) return { phase: "Bound" };
  // The claim itself comes up when it has taken none yet; it never finds one whose mode is another.
  if (!volumeName) return hasMode(volume, claim) ? undefined : { mismatch: true };
  // The claim took another one. What was made for this claim alone goes; what somebody made is free again.
  const isMade = volume.metadata.annotations?.[provisionedBy] !== undefined;
  if (isMade && volume.spec.persistentVolumeReclaimPolicy === "Delete") return leftBehind(volume);
  return { release: volume.metadata.annotations?.[boundByController] ? "wholly" : "uid" };
}

/** Released; and failed when it is to be deleted and nobody can: those that were made are deleted by who made them. */
function leftBehind(volume: PersistentVolume): VolumeStep {
  const { metadata, spec, status } = volume;
  const isOurs = spec.persistentVolumeReclaimPolicy === "Delete" && !metadata.annotations?.[provisionedBy];
  if (!isOurs || status?.phase === "Bound") return { phase: "Released" };
  const name = JSON.stringify(metadata.name);
  const message = `error getting deleter volume plugin for volume ${name}: no deletable volume plugin matched`;
  return { phase: "Failed", message };
}

function keep(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): ClaimStep {
  // A volume that forgot its claim is told again.
  if (volume && !volume.spec.claimRef) return { do: "bind", volume };
  if (volume && isFor(volume, claim)) return { do: "confirm", volume };
  const lost = claim.spec.volumeName ? "its PersistentVolume" : "reference to PersistentVolume";
  const [reason, message] = volume
    ? ["ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly"]
    : ["ClaimLost", `Bound claim has lost ${lost}. Data on the volume is lost!`];
  return { do: "lose", news: { type: "Warning", reason, message } };
}

/** Why there is no volume, and who could make one. */
function unprovided(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): ClaimStep {
  const name = classOf(claim);
  if (!name) {
    const message = "no persistent volumes available for this claim and no storage class is set";
    return { do: "wait", news: { type: "Normal", reason: "FailedBinding", message } };
  }
  const failed = (message: string): ClaimStep => ({
    do: "wait",
    news: { type: "Warning", reason: "ProvisioningFailed", message },
  });
  if (!storageClass) return failed(`storageclass.storage.k8s.io "${name}" not found`);
  const { provisioner } = storageClass;
  if (provisioner.startsWith("kubernetes.io/")) return failed(`no volume plugin matched name: ${provisioner}`);
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  return { do: "wait", provisioner, news: { type: "Normal", reason: "ExternalProvisioning", message } };
}
