import type { Kind } from "../../api/kind.ts";
import { persistentVolume } from "../../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { type KubeObject, keyText, type ObjectKey } from "../../api/object.ts";
import type { PersistentVolume, Pod } from "../../api/schema/types.ts";
import { StatusError } from "../../api/status.ts";
import type { Client } from "../../client/client.ts";
import type { Recollection } from "../../client/recollection.ts";

/** The volumes behind claims. */
export interface Claims {
  /** @throws an Error when the claim has none */
  volumeOf(pod: Pod, claimName: string): Promise<PersistentVolume>;
  forget(podUid: string): void;
}

/**
 * A claim that is bound stays so: it is looked up once a pod, and what was found is remembered for a start without a server.
 */
export function openClaims({ client, recollection }: { client: Client; recollection: Recollection }): Claims {
  /** By pod, by claim. */
  const known = new Map<string, Map<string, PersistentVolume>>();

  async function lookUp<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T> {
    try {
      const object = await client.get(kind, key);
      recollection.put(kind, object);
      return object;
    } catch (error) {
      const remembered = error instanceof StatusError ? undefined : recollection.get(kind, key);
      if (!remembered) throw error;
      return remembered;
    }
  }

  async function find(pod: Pod, claimName: string): Promise<PersistentVolume> {
    const key = { namespace: pod.metadata.namespace ?? "", name: claimName };
    const claim = await lookUp(persistentVolumeClaim, key);
    const { volumeName } = claim.spec;
    if (!volumeName || claim.status?.phase !== "Bound") throw new Error(`PVC ${keyText(key)} is not bound`);
    const volume = await lookUp(persistentVolume, { name: volumeName });
    if (volume.spec.claimRef?.uid !== claim.metadata.uid)
      throw new Error(`PVC ${keyText(key)} is not the one that volume ${JSON.stringify(volumeName)} is bound to`);
    return volume;
  }

  return {
    async volumeOf(pod, claimName) {
      const uid = pod.metadata.uid ?? "";
      const ofPod = known.get(uid) ?? new Map<string, PersistentVolume>();
      known.set(uid, ofPod);
      const volume = ofPod.get(claimName) ?? (await find(pod, claimName));
      ofPod.set(claimName, volume);
      return volume;
    },
    forget(podUid) {
      known.delete(podUid);
    },
  };
}
