import type { Kind } from "../../api/kind.ts";
import { persistentVolume } from "../../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { volumeAttributesClass } from "../../api/kinds/storage/volume-attributes-class.ts";
import { controllerRef, isLeaving, type KubeObject, keyFrom, keyText } from "../../api/object.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttributesClass } from "../../api/schema/types.ts";
import type { Client } from "../../client/client.ts";
import { defineController, type Outcome, settled } from "../../client/controller.ts";
import { podsByClaim } from "../claims-of-pod.ts";

/** Keeps a deleted claim there until no pod uses it any more. */
export const claimProtectionController = defineController<PersistentVolumeClaim>({
  name: "pvc-protection",
  reconciles: persistentVolumeClaim,
  watches: [{ kind: pod, keys: (object) => podsByClaim(object as Pod).map(keyFrom) }],

  async reconcile(key, { cache, client }) {
    const claim = cache.get(persistentVolumeClaim, key);
    const isUsedBy = (pods: readonly Pod[]): boolean => claim !== undefined && pods.some((one) => uses(one, claim));
    const isSeenUsed = isUsedBy(cache.by(pod, podsByClaim, keyText(key)));
    // What the cache shows may be a moment old: a claim goes only when the server knows of no pod that uses it either.
    const isUsed =
      isSeenUsed ||
      (claim !== undefined &&
        isLeaving(claim) &&
        isUsedBy((await client.list(pod, { namespace: key.namespace })).items));
    return protect(claim, { kind: persistentVolumeClaim, finalizer: "kubernetes.io/pvc-protection", isUsed, client });
  },
});

/**
 * A pod that names the claim uses it for as long as the pod is there, also when it has ended. What was made for a pod of its
 * own goes as soon as the node is done with the pod: each would wait for the other otherwise.
 */
function uses({ metadata, spec }: Pod, claim: PersistentVolumeClaim): boolean {
  if (!spec.nodeName) return false;
  const isDone = metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0;
  const names = (spec.volumes ?? []).some((one) => one.persistentVolumeClaim?.claimName === claim.metadata.name);
  return names || (!isDone && controllerRef(claim)?.uid === metadata.uid);
}

/** Keeps a deleted volume there as long as it is bound. */
export const volumeProtectionController = defineController<PersistentVolume>({
  name: "pv-protection",
  reconciles: persistentVolume,

  async reconcile(key, { cache, client }) {
    const volume = cache.get(persistentVolume, key);
    const isUsed = volume?.status?.phase === "Bound";
    return protect(volume, { kind: persistentVolume, finalizer: "kubernetes.io/pv-protection", isUsed, client });
  },
});

/** The indexes of claims and volumes by the classes of attributes that they have, want, or are on the way to. */
const classesOfClaim = ({ spec, status }: PersistentVolumeClaim): readonly string[] =>
  [
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter((name) => name !== undefined && name !== "") as string[];
const classesOfVolume = ({ spec }: PersistentVolume): readonly string[] =>
  spec.volumeAttributesClassName ? [spec.volumeAttributesClassName] : [];
const named = (names: readonly string[]) => names.map((name) => ({ name }));

/** Keeps a deleted class of volume attributes there as long as a claim or a volume has it. */
export const attributesClassProtectionController = defineController<VolumeAttributesClass>({
  name: "vac-protection",
  account: "volumeattributesclass-protection-controller",
  reconciles: volumeAttributesClass,
  watches: [
    { kind: persistentVolumeClaim, keys: (claim) => named(classesOfClaim(claim as PersistentVolumeClaim)) },
    { kind: persistentVolume, keys: (volume) => named(classesOfVolume(volume as PersistentVolume)) },
  ],

  async reconcile(key, { cache, client }) {
    const found = cache.get(volumeAttributesClass, key);
    const isUsed =
      cache.by(persistentVolume, classesOfVolume, key.name).length > 0 ||
      cache.by(persistentVolumeClaim, classesOfClaim, key.name).length > 0;
    return protect(found, { kind: volumeAttributesClass, finalizer: "kubernetes.io/vac-protection", isUsed, client });
  },
});

/** Puts the finalizer where it is missing, and takes it from what is deleted and not used. */
async function protect<T extends KubeObject>(
  object: T | undefined,
  { kind, finalizer, isUsed, client }: { kind: Kind<T>; finalizer: string; isUsed: boolean; client: Client },
): Promise<Outcome> {
  if (!object) return settled;
  const finalizers = object.metadata.finalizers ?? [];
  const has = finalizers.includes(finalizer);
  const written = (next: readonly string[]) =>
    client.update(kind, { ...object, metadata: { ...object.metadata, finalizers: [...next] } });
  if (isLeaving(object) && has && !isUsed) await written(finalizers.filter((one) => one !== finalizer));
  if (!isLeaving(object) && !has) await written([...finalizers, finalizer]);
  return settled;
}
