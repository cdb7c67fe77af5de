import { node } from "../../api/kinds/core/node.ts";
import { persistentVolume } from "../../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { storageClass } from "../../api/kinds/storage/storage-class.ts";
import { letGo, localPathProvisioner, nodeOfLocalPath } from "../../api/local-path.ts";
import { keyOf } from "../../api/object.ts";
import type { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../api/schema/types.ts";
import { selectedNode } from "../../api/volume-annotations.ts";
import { classOf } from "../../api/volume-match.ts";
import type { Cache } from "../../client/cache.ts";
import { deletion } from "../../client/carry-out.ts";
import { defineController, settled, type Watched } from "../../client/controller.ts";
import { decideClaim, isStranded } from "./decide.ts";

/** The rights of the controller that brings claims and volumes together; Kubernetes has no other role for such work. */
const account = "persistent-volume-binder";
const comesOrGoes: NonNullable<Watched<Node>["matters"]> = ({ before, after }) => !before || !after;
const isThereIn = (cache: Cache) => (name: string) => cache.get(node, { name }) !== undefined;

const nodesOfClaims: Watched<Node> = {
  kind: node,
  matters: comesOrGoes,
  keys: ({ metadata }, cache) =>
    cache
      .list(persistentVolumeClaim)
      .filter((claim) => claim.metadata.annotations?.[selectedNode] === metadata.name)
      .map(keyOf),
};

const classesOfClaims: Watched<StorageClass> = {
  kind: storageClass,
  keys: ({ metadata }, cache) =>
    cache
      .list(persistentVolumeClaim)
      .filter((claim) => !claim.spec.volumeName && classOf(claim) === metadata.name)
      .map(keyOf),
};

/** Sees to claims for a node's directory that no node can see to: the scheduler is asked for another one. */
export const strandedClaims = defineController<PersistentVolumeClaim>({
  name: "local-path-claims",
  component: localPathProvisioner,
  account,
  reconciles: persistentVolumeClaim,
  watches: [nodesOfClaims, classesOfClaims],

  async reconcile(key, { cache, client, events }) {
    const claim = cache.get(persistentVolumeClaim, key);
    if (!claim) return settled;
    const name = classOf(claim);
    const observed = { storageClass: cache.get(storageClass, { name }), isThere: isThereIn(cache) };
    switch (decideClaim(claim, observed)) {
      case undefined:
        break;
      case "its node is gone": {
        const { [selectedNode]: _, ...annotations } = claim.metadata.annotations ?? {};
        const free = { ...claim, metadata: { ...claim.metadata, annotations } };
        await cache.seen(await client.update(persistentVolumeClaim, free));
        break;
      }
      case "no node was chosen": {
        const message = `failed to provision volume with StorageClass ${JSON.stringify(name)}: configuration error, no node was specified`;
        events.record(claim, { type: "Warning", reason: "ProvisioningFailed", message });
        break;
      }
    }
    return settled;
  },
});

/** Takes away the volumes of nodes that are gone, when their claims are gone too. */
export const strandedVolumes = defineController<PersistentVolume>({
  name: "local-path-volumes",
  component: localPathProvisioner,
  account,
  reconciles: persistentVolume,
  watches: [
    {
      kind: node,
      matters: comesOrGoes,
      keys: ({ metadata }, cache) =>
        cache
          .list(persistentVolume)
          .filter((volume) => nodeOfLocalPath(volume) === metadata.name)
          .map(keyOf),
    },
  ],

  async reconcile(key, { cache, client }) {
    const volume = cache.get(persistentVolume, key);
    if (!volume || !isStranded(volume, isThereIn(cache))) return settled;
    const free = await client.update(persistentVolume, letGo(volume));
    await deletion(client, persistentVolume, free)(cache);
    return settled;
  },
});
