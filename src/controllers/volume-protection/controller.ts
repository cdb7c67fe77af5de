import { persistentVolume } from "../../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { isLeaving, type KubeObject, keyFrom, keyText } from "../../api/object.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../api/schema/types.ts";
import { defineController, settled } from "../../client/controller.ts";
import { podsByClaim } from "../claims-of-pod.ts";
import { hasEnded } from "../pods.ts";

const claimProtection = "kubernetes.io/pvc-protection";
const volumeProtection = "kubernetes.io/pv-protection";

/** Keeps a deleted claim there until no pod uses it any more. */
export const claimProtectionController = defineController<PersistentVolumeClaim>({
  name: "pvc-protection",
  reconciles: persistentVolumeClaim,
  watches: [{ kind: pod, keys: (object) => podsByClaim(object as Pod).map(keyFrom) }],

  async reconcile(key, { cache, client }) {
    const claim = cache.get(persistentVolumeClaim, key);
    if (!claim || !isLeaving(claim)) return settled;
    const { finalizers = [] } = claim.metadata;
    const isUsed = cache.by(pod, podsByClaim, keyText(key)).some((one) => one.spec.nodeName && !hasEnded(one));
    if (isUsed || !finalizers.includes(claimProtection)) return settled;
    await client.update(persistentVolumeClaim, without(claim, claimProtection));
    return settled;
  },
});

/** Keeps a deleted volume there as long as it is bound. */
export const volumeProtectionController = defineController<PersistentVolume>({
  name: "pv-protection",
  reconciles: persistentVolume,

  async reconcile(key, { cache, client }) {
    const volume = cache.get(persistentVolume, key);
    if (!volume || !isLeaving(volume) || volume.status?.phase === "Bound") return settled;
    const { finalizers = [] } = volume.metadata;
    if (!finalizers.includes(volumeProtection)) return settled;
    await client.update(persistentVolume, without(volume, volumeProtection));
    return settled;
  },
});

function without<T extends KubeObject>(object: T, finalizer: string): T {
  const finalizers = (object.metadata.finalizers ?? []).filter((one) => one !== finalizer);
  return { ...object, metadata: { ...object.metadata, finalizers } };
}
