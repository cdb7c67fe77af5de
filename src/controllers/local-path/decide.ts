import { isToBeErased, localPathProvisioner, nodeOfLocalPath } from "../../api/local-path.ts";
import { isLeaving } from "../../api/object.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../api/schema/types.ts";
import { selectedNode, storageProvisioner } from "../../api/volume-annotations.ts";

/** What keeps a claim from its volume that no node can see to. */
export type Stranded = "no node was chosen" | "its node is gone" | undefined;

/** A claim for a node's directory waits in vain where there is no such node, or where its class lets no node be chosen. */
export function decideClaim(
  claim: PersistentVolumeClaim,
  { storageClass, isThere }: { storageClass: StorageClass | undefined; isThere: (node: string) => boolean },
): Stranded {
  const { metadata, spec } = claim;
  const isWaiting =
    !spec.volumeName && !isLeaving(claim) && metadata.annotations?.[storageProvisioner] === localPathProvisioner;
  if (!isWaiting || storageClass?.provisioner !== localPathProvisioner) return undefined;
  const node = metadata.annotations?.[selectedNode];
  if (node !== undefined) return isThere(node) ? undefined : "its node is gone";
  return storageClass.volumeBindingMode === "WaitForFirstConsumer" ? undefined : "no node was chosen";
}

/** Whether a volume is to go whose node is no longer there to erase it: its data went with the node. */
export function isStranded(volume: PersistentVolume, isThere: (node: string) => boolean): boolean {
  const node = nodeOfLocalPath(volume);
  return node !== undefined && !isThere(node) && isToBeErased(volume);
}
