import { persistentVolume } from "../../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { compareQuantities } from "../../api/quantity.ts";
import type { PersistentVolumeClaim } from "../../api/schema/types.ts";
import { defineController, settled } from "../../client/controller.ts";
import type { Change } from "../../client/informer.ts";

/**
 * Tells of claims that ask for more than they have who is to give it (Kubernetes docs, "Expanding Persistent Volumes Claims").
 * No sort of volume that Kubernetes itself knows grows any more: resizers of CSI drivers do the work and write the status.
 */
export const volumeExpansionController = defineController<PersistentVolumeClaim>({
  name: "volume-expansion",
  component: "volume_expand",
  account: "expand-controller",
  reconciles: persistentVolumeClaim,
  matters: hasGrown,
  reads: [persistentVolume],

  async reconcile(key, { cache, events }) {
    const claim = cache.get(persistentVolumeClaim, key);
    if (claim?.status?.phase !== "Bound" || !wantsMore(claim)) return settled;
    const volume = cache.get(persistentVolume, { name: claim.spec.volumeName ?? "" });
    if (!volume) throw new Error(`failed to get PV ${JSON.stringify(claim.spec.volumeName)}`);
    if (volume.spec.claimRef?.uid !== claim.metadata.uid)
      throw new Error("the volume is not bound to the claim that is being updated");
    const message = "waiting for an external controller to expand this PVC";
    events.record(claim, { type: "Normal", reason: "ExternalExpanding", message });
    return settled;
  },
});

function hasGrown({ before, after }: Change<PersistentVolumeClaim>): boolean {
  if (!after) return false;
  if (!before) return true;
  return compareQuantities(requested(after), requested(before)) > 0 || compareQuantities(had(after), had(before)) > 0;
}

const wantsMore = (claim: PersistentVolumeClaim): boolean => compareQuantities(requested(claim), had(claim)) > 0;
const requested = ({ spec }: PersistentVolumeClaim): string => spec.resources?.requests?.storage ?? "0";
const had = ({ status }: PersistentVolumeClaim): string => status?.capacity?.storage ?? "0";
