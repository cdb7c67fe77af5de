import { isDeepStrictEqual } from "node:util";
import { defaultClassOf, defaultStorageClassAnnotations, isDefaultClass } from "../../api/default-class.ts";
import { persistentVolume } from "../../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { storageClass } from "../../api/kinds/storage/storage-class.ts";
import { isLeaving, type KubeObject, keyOf, keyText } from "../../api/object.ts";
import { hasEnded } from "../../api/pod-phase.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../api/schema/types.ts";
import {
  bindCompleted,
  boundByController,
  olderStorageProvisioner,
  storageProvisioner,
} from "../../api/volume-annotations.ts";
import { classOf, namesClass } from "../../api/volume-match.ts";
import { type Context, type Controller, defineController, settled, type Watched } from "../../client/controller.ts";
import { podsByClaim } from "../claims-of-pod.ts";
import { decideClaim, decideVolume } from "./decide.ts";

const provisionerNames = [olderStorageProvisioner, storageProvisioner];

const isUnbound = ({ metadata }: PersistentVolumeClaim): boolean => !metadata.annotations?.[bindCompleted];

/** A volume concerns the claim that it is for; a free one, every claim of its class that still looks for one. */
const volumesOfClaims: Watched<PersistentVolume> = {
  kind: persistentVolume,
  keys: (volume, cache) => {
    const { claimRef } = volume.spec;
    if (claimRef?.name) return [{ namespace: claimRef.namespace, name: claimRef.name }];
    return cache
      .list(persistentVolumeClaim)
      .filter((claim) => isUnbound(claim) && classOf(claim) === classOf(volume))
      .map(keyOf);
  },
};

/** A class concerns the claims that want it, and as the default one those that do not say what they want. */
const classesOfClaims: Watched<StorageClass> = {
  kind: storageClass,
  keys: (changed, cache) => {
    const isDefault = isDefaultClass(changed, defaultStorageClassAnnotations);
    return cache
      .list(persistentVolumeClaim)
      .filter(
        (claim) => isUnbound(claim) && (classOf(claim) === changed.metadata.name || (isDefault && !namesClass(claim))),
      )
      .map(keyOf);
  },
};

/**
 * Brings claims and volumes together (Kubernetes docs, "Persistent Volumes", section "Binding"). `syncMs`: after that a claim
 * that waits is looked at again, and what it waits for is told again.
 */
export const claimBinder = ({ syncMs }: { readonly syncMs: number }): Controller =>
  defineController<PersistentVolumeClaim>({
    name: "persistentvolume-binder",
    component: "persistentvolume-controller",
    account: "persistent-volume-binder",
    reconciles: persistentVolumeClaim,
    watches: [volumesOfClaims, classesOfClaims],
    reads: [pod],
    // One after the other: two claims must not reach for the same volume.
    workers: 1,

    async reconcile(key, context) {
      const { cache, client, events } = context;
      const claim = cache.get(persistentVolumeClaim, key);
      if (!claim || (isLeaving(claim) && isUnbound(claim))) return settled;
      const step = decideClaim(claim, {
        volumes: cache.list(persistentVolume),
        storageClass: cache.get(storageClass, { name: classOf(claim) }),
        defaultClass: defaultClassOf(cache.list(storageClass), defaultStorageClassAnnotations)?.metadata.name,
        waitingPods: cache
          .by(pod, podsByClaim, keyText(key))
          .filter((one) => !one.spec?.nodeName && !hasEnded(one))
          .map(({ metadata }) => metadata.name),
      });
      switch (step.do) {
        case "bind":
          await bind(claim, step.volume, context);
          return settled;
        case "confirm":
          await setClaimStatus(claim, boundStatus(claim, step.volume), context);
          return settled;
        case "lose":
          if (claim.status?.phase === "Lost") return settled;
          events.record(claim, step.news);
          await setClaimStatus(claim, { phase: "Lost" }, context);
          return settled;
        case "assign": {
          const spec = { ...claim.spec, storageClassName: step.storageClass };
          await cache.seen(await client.update(persistentVolumeClaim, { ...claim, spec }));
          return settled;
        }
        case "wait": {
          if (step.news) events.record(claim, step.news);
          const { provisioner } = step;
          const isSaid = provisionerNames.every((name) => claim.metadata.annotations?.[name] === provisioner);
          if (provisioner && !isSaid) {
            const said = Object.fromEntries(provisionerNames.map((name) => [name, provisioner]));
            await cache.seen(await client.update(persistentVolumeClaim, annotated(claim, said)));
          }
          return { again: { afterMs: syncMs } };
        }
      }
    },
  });

/** Tells of each volume whether it is free, in use, or left behind by its claim. */
export const volumePhases: Controller = defineController<PersistentVolume>({
  name: "persistentvolume-phases",
  component: "persistentvolume-controller",
  account: "persistent-volume-binder",
  reconciles: persistentVolume,
  watches: [
    {
      kind: persistentVolumeClaim,
      keys: (claim, cache) =>
        cache
          .list(persistentVolume)
          .filter(
            ({ spec }) =>
              spec?.claimRef?.name === claim.metadata.name && spec.claimRef.namespace === claim.metadata.namespace,
          )
          .map(keyOf),
    },
  ],

  async reconcile(key, { cache, client, events }) {
    const volume = cache.get(persistentVolume, key);
    if (!volume) return settled;
    const { namespace, name = "" } = volume.spec?.claimRef ?? {};
    const claim = cache.get(persistentVolumeClaim, { namespace, name });
    const step = decideVolume(volume, claim);
    if (!step) return settled;
    if ("release" in step) {
      const free = step.release === "wholly" ? unclaimed(volume) : withoutUid(volume);
      await cache.seen(await client.update(persistentVolume, free));
      return settled;
    }
    if ("mismatch" in step) {
      for (const [about, message] of modeNews(volume, name)) {
        const object = about === "volume" ? volume : claim;
        if (object) events.record(object, { type: "Warning", reason: "VolumeMismatch", message });
      }
      return settled;
    }
    if (volume.status?.phase === step.phase) return settled;
    const { message: _, ...status } = volume.status ?? {};
    const told = step.message ? { ...status, ...step } : { ...status, phase: step.phase };
    await cache.seen(await client.updateStatus(persistentVolume, { ...volume, status: told }));
    if (step.message) events.record(volume, { type: "Warning", reason: "VolumeFailedDelete", message: step.message });
    return settled;
  },
});

/** First the volume, then the claim: what is broken off in between is taken up again from the volume. */
async function bind(claim: PersistentVolumeClaim, volume: PersistentVolume, context: Context): Promise<void> {
  const { cache, client } = context;
  const { name, namespace = "", uid = "", resourceVersion = "" } = claim.metadata;
  let taken = volume;
  if (volume.spec?.claimRef?.uid !== uid) {
    const claimRef = { kind: "PersistentVolumeClaim", apiVersion: "v1", namespace, name, uid, resourceVersion };
    const chosen = volume.spec?.claimRef ? volume : annotated(volume, { [boundByController]: "yes" });
    taken = await client.update(persistentVolume, { ...chosen, spec: { ...chosen.spec, claimRef } });
    await cache.seen(taken);
  }
  if (taken.status?.phase !== "Bound") {
    taken = await client.updateStatus(persistentVolume, { ...taken, status: { ...taken.status, phase: "Bound" } });
    await cache.seen(taken);
  }
  const annotations = { [bindCompleted]: "yes", ...(!claim.spec?.volumeName && { [boundByController]: "yes" }) };
  const chosen = annotated(claim, annotations);
  const named = await client.update(persistentVolumeClaim, {
    ...chosen,
    spec: { ...chosen.spec, volumeName: volume.metadata.name },
  });
  await cache.seen(named);
  await setClaimStatus(named, boundStatus(named, taken), context);
}

function annotated<T extends KubeObject>(object: T, annotations: Record<string, string>): T {
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } } };
}

/** The volume as it was before a claim was found for it. */
function unclaimed(volume: PersistentVolume): PersistentVolume {
  const { [boundByController]: _, ...annotations } = volume.metadata.annotations ?? {};
  const { claimRef: __, ...spec } = volume.spec ?? {};
  return { ...volume, metadata: { ...volume.metadata, annotations }, spec };
}

/** The volume as its maker set it aside: for a claim of this name, whichever it is. */
function withoutUid(volume: PersistentVolume): PersistentVolume {
  const { uid: _, resourceVersion: __, ...claimRef } = volume.spec.claimRef ?? {};
  return { ...volume, spec: { ...volume.spec, claimRef } };
}

/** Told on both sides when one wants files and the other has a bare device. */
function modeNews({ metadata }: PersistentVolume, claim: string): readonly (readonly ["volume" | "claim", string])[] {
  const why = "due to incompatible volumeMode.";
  return [
    ["volume", `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${JSON.stringify(claim)} ${why}`],
    [
      "claim",
      `Cannot bind PersistentVolume ${JSON.stringify(metadata.name)} to requested PersistentVolumeClaim ${why}`,
    ],
  ];
}

function boundStatus(claim: PersistentVolumeClaim, { spec }: PersistentVolume): PersistentVolumeClaim["status"] {
  const storage = claim.status?.phase === "Bound" ? claim.status.capacity?.storage : spec?.capacity?.storage;
  return {
    ...claim.status,
    phase: "Bound",
    ...(spec?.accessModes && { accessModes: spec.accessModes }),
    ...(storage && { capacity: { ...claim.status?.capacity, storage } }),
    ...(spec.volumeAttributesClassName && { currentVolumeAttributesClassName: spec.volumeAttributesClassName }),
  };
}

async function setClaimStatus(
  claim: PersistentVolumeClaim,
  status: PersistentVolumeClaim["status"],
  { cache, client }: Context,
): Promise<void> {
  if (!status || isDeepStrictEqual(claim.status, status)) return;
  await cache.seen(await client.updateStatus(persistentVolumeClaim, { ...claim, status }));
}
