import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../api/schema/types.ts";
import { bindCompleted, boundByController, provisionedBy, selectedNode } from "../../api/volume-annotations.ts";
import { bestVolume, classOf, isFor } from "../../api/volume-match.ts";
import type { EventNews } from "../../client/events.ts";

/** What should become of a claim. */
export type ClaimStep =
  | { readonly do: "bind"; readonly volume: PersistentVolume }
  | { readonly do: "confirm"; readonly volume: PersistentVolume }
  | { readonly do: "lose"; readonly news: EventNews }
  | { readonly do: "wait"; readonly news?: EventNews; readonly provisioner?: string };

export function decideClaim(
  claim: PersistentVolumeClaim,
  {
    volumes,
    storageClass,
    waitingPods,
  }: {
    volumes: readonly PersistentVolume[];
    storageClass: StorageClass | undefined;
    /** The names of the pods that use it and have no node yet. */
    waitingPods: readonly string[];
  },
): ClaimStep {
  const { volumeName } = claim.spec ?? {};
  const named = volumes.find(({ metadata }) => metadata.name === volumeName);
  if (claim.metadata.annotations?.[bindCompleted]) return keep(claim, named);
  if (volumeName) {
    if (!named) return { do: "wait" };
    if (!named.spec?.claimRef || isFor(named, claim)) return { do: "bind", volume: named };
    const message = `volume "${volumeName}" already bound to a different claim.`;
    return { do: "wait", news: { type: "Warning", reason: "FailedBinding", message } };
  }
  const best = bestVolume(claim, volumes);
  const isLate = storageClass?.volumeBindingMode === "WaitForFirstConsumer";
  const waits = isLate && !claim.metadata.annotations?.[selectedNode] && !best?.spec?.claimRef;
  if (best && !waits) return { do: "bind", volume: best };
  if (waits) return { do: "wait", news: waitingNews(waitingPods) };
  return unprovided(claim, storageClass);
}

/** What a claim waits for that is bound with its first pod. */
function waitingNews(pods: readonly string[]): EventNews {
  const type = "Normal";
  if (pods.length === 0)
    return { type, reason: "WaitForFirstConsumer", message: "waiting for first consumer to be created before binding" };
  const message = `waiting for ${pods.length > 1 ? "pods" : "pod"} ${pods.join(",")} to be scheduled`;
  return { type, reason: "WaitForPodScheduled", message };
}

/** The phase that a volume should be in. */
export type VolumeStep = { readonly phase: string; readonly message?: string } | { readonly release: true } | undefined;

export function decideVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumeStep {
  const { claimRef, persistentVolumeReclaimPolicy } = volume.spec ?? {};
  if (!claimRef?.uid) return { phase: "Available" };
  if (claim && claim.metadata.uid === claimRef.uid) {
    const { volumeName } = claim.spec ?? {};
    if (volumeName === volume.metadata.name) return { phase: "Bound" };
    // Its claim took another one; the claim itself comes up when it has taken none yet.
    return volumeName && volume.metadata.annotations?.[boundByController] ? { release: true } : undefined;
  }
  const isOurs = persistentVolumeReclaimPolicy === "Delete" && !volume.metadata.annotations?.[provisionedBy];
  if (!isOurs || volume.status?.phase === "Bound") return { phase: "Released" };
  const name = JSON.stringify(volume.metadata.name);
  const message = `error getting deleter volume plugin for volume ${name}: no deletable volume plugin matched`;
  return { phase: "Failed", message };
}

function keep(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): ClaimStep {
  if (volume && isFor(volume, claim)) return { do: "confirm", volume };
  const [reason, message] = volume
    ? ["ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly"]
    : ["ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"];
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
