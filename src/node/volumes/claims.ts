import { persistentVolume } from "../../api/kinds/core/persistent-volume.ts";
import { keyText, type ObjectKey } from "../../api/object.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../api/schema/types.ts";
import { isReason, StatusError } from "../../api/status.ts";
import type { Client } from "../../client/client.ts";
import type { Recollection } from "../../client/recollection.ts";
import { waitsForNode } from "../csi/grow.ts";
import type { WatchedObjects } from "./referenced-objects.ts";

export interface ClaimedVolume {
  readonly volume: PersistentVolume;
  /** Absent when it has gone since. */
  readonly claim: PersistentVolumeClaim | undefined;
}

/** The volumes behind claims. */
export interface Claims {
  /** @throws an Error when the claim has none */
  volumeOf(pod: Pod, claimName: string): Promise<ClaimedVolume>;
  forget(podUid: string): void;
}

/**
 * A claim that is bound stays so: its volume is looked up once a pod, and again when it has grown; what was found is remembered
 * for a start without a server.
 */
export function openClaims({
  client,
  recollection,
  objects,
}: {
  client: Client;
  recollection: Recollection;
  objects: Pick<WatchedObjects, "claim">;
}): Claims {
  /** By pod, by claim. */
  const known = new Map<string, Map<string, PersistentVolume>>();

  async function lookUp(name: string): Promise<PersistentVolume> {
    try {
      const volume = await client.get(persistentVolume, { name });
      recollection.put(persistentVolume, volume);
      return volume;
    } catch (error) {
      const remembered = error instanceof StatusError ? undefined : recollection.get(persistentVolume, { name });
      if (!remembered) throw error;
      return remembered;
    }
  }

  async function find(claim: PersistentVolumeClaim, key: ObjectKey): Promise<PersistentVolume> {
    const { volumeName } = claim.spec;
    if (!volumeName || claim.status?.phase !== "Bound") throw new Error(`PVC ${keyText(key)} is not bound`);
    const volume = await lookUp(volumeName);
    if (volume.spec.claimRef?.uid !== claim.metadata.uid)
      throw new Error(`PVC ${keyText(key)} is not the one that volume ${JSON.stringify(volumeName)} is bound to`);
    return volume;
  }

  return {
    async volumeOf(pod, claimName) {
      const uid = pod.metadata.uid ?? "";
      const namespace = pod.metadata.namespace ?? "";
      const ofPod = known.get(uid) ?? new Map<string, PersistentVolume>();
      known.set(uid, ofPod);
      const there = ofPod.get(claimName);
      const claim = await objects.claim(namespace, claimName).catch((error: unknown) => {
        if (!there || !isReason(error, "NotFound")) throw error;
        return undefined;
      });
      const volume =
        there && !(claim && waitsForNode(claim)) ? there : claim && (await find(claim, { namespace, name: claimName }));
      if (!volume) throw new Error(`PVC ${keyText({ namespace, name: claimName })} is gone`);
      ofPod.set(claimName, volume);
      return { volume, claim };
    },
    forget(podUid) {
      known.delete(podUid);
    },
  };
}
