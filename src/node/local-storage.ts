import { dirname } from "node:path";
import { node as nodeKind } from "../api/kinds/core/node.ts";
import { persistentVolume } from "../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../api/kinds/core/persistent-volume-claim.ts";
import { storageClass } from "../api/kinds/storage/storage-class.ts";
import { hostnameOf, letGo, localPathProvisioner, volumeRoot } from "../api/local-path.ts";
import { keyOf, keyText, type ObjectKey } from "../api/object.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../api/schema/types.ts";
import { isReason } from "../api/status.ts";
import { classOf } from "../api/volume-match.ts";
import { messageOf } from "../base/log.ts";
import type { Cache } from "../client/cache.ts";
import { deletion } from "../client/carry-out.ts";
import {
  type Context,
  type Controller,
  type ControllerEnvironment,
  defineController,
  settled,
  startController,
} from "../client/controller.ts";
import { decideClaim, decideVolume, volumeNameOf } from "./local-path/decide.ts";
import { eraseDirectory, makeDirectory } from "./local-path/directories.ts";

export interface LocalStorageOptions extends ControllerEnvironment {
  readonly nodeName: string;
  /** Where volumes lie unless their StorageClass says otherwise. */
  readonly directory: string;
}

/**
 * Makes the volumes of claims whose pod comes to this node, as directories on its disk, and erases them behind their claims:
 * the local-path provisioner, without pods of its own. It begins when the API has told its first lists; nobody waits for that.
 */
export function offerLocalStorage(options: LocalStorageOptions): Disposable {
  const running = new DisposableStack();
  const log = options.log.part("local-storage");
  for (const controller of [claimsHere(options), volumesHere(options)])
    startController(controller, { ...options, log }).then(
      (started) => (running.disposed ? started[Symbol.dispose]() : void running.use(started)),
      (error: unknown) => log.error("this node offers no volumes", { error }),
    );
  return running;
}

function claimsHere({ nodeName, directory }: LocalStorageOptions): Controller {
  return defineController<PersistentVolumeClaim>({
    name: "claims",
    component: localPathProvisioner,
    reconciles: persistentVolumeClaim,
    watches: [
      {
        kind: storageClass,
        keys: ({ metadata }, cache) => waiting(cache, (claim) => classOf(claim) === metadata.name),
      },
      {
        kind: nodeKind,
        matters: ({ key, before }) => !before && key.name === nodeName,
        keys: (_, cache) => waiting(cache, () => true),
      },
    ],
    reads: [persistentVolume],

    async reconcile(key, context) {
      const { cache, client, events, log } = context;
      const claim = cache.get(persistentVolumeClaim, key);
      const self = cache.get(nodeKind, { name: nodeName });
      if (!claim || !self || cache.get(persistentVolume, { name: volumeNameOf(claim) })) return settled;
      const storage = { nodeName, hostname: hostnameOf(self), directory };
      const step = decideClaim(claim, { storageClass: cache.get(storageClass, { name: classOf(claim) }), storage });
      if (step.do === "nothing") return settled;
      if (step.do === "refuse") {
        events.record(claim, { type: "Warning", reason: "ProvisioningFailed", message: step.message });
        return settled;
      }
      const text = keyText(key);
      const provisioning = `External provisioner is provisioning volume for claim "${text}"`;
      events.record(claim, { type: "Normal", reason: "Provisioning", message: provisioning });
      try {
        await makeDirectory(step);
        await cache.seen(await client.create(persistentVolume, step.volume));
      } catch (error) {
        if (isReason(error, "AlreadyExists")) return settled;
        const why = `failed to provision volume with StorageClass ${JSON.stringify(classOf(claim))}: ${messageOf(error)}`;
        events.record(claim, { type: "Warning", reason: "ProvisioningFailed", message: why });
        throw error;
      }
      log.info("made a volume", { claim: text, path: step.path });
      const message = `Successfully provisioned volume ${step.volume.metadata.name}`;
      events.record(claim, { type: "Normal", reason: "ProvisioningSucceeded", message });
      return settled;
    },
  });
}

const waiting = (cache: Cache, which: (claim: PersistentVolumeClaim) => boolean): readonly ObjectKey[] =>
  cache
    .list(persistentVolumeClaim)
    .filter((claim) => !claim.spec.volumeName && which(claim))
    .map(keyOf);

function volumesHere({ nodeName }: LocalStorageOptions): Controller {
  return defineController<PersistentVolume>({
    name: "volumes",
    component: localPathProvisioner,
    reconciles: persistentVolume,
    // A card is slow to delete from: one after the other.
    workers: 1,

    async reconcile(key, context) {
      const { cache, client } = context;
      const volume = cache.get(persistentVolume, key);
      if (!volume) return settled;
      switch (decideVolume(volume, nodeName)) {
        case "nothing":
          break;
        case "let go":
          await cache.seen(await client.update(persistentVolume, letGo(volume)));
          break;
        case "erase":
          await erase(volume, context);
          break;
      }
      return settled;
    },
  });
}

/** First the data, then the object: what is broken off in between is done again. */
async function erase(volume: PersistentVolume, { cache, client, events, log }: Context): Promise<void> {
  const path = volume.spec.local?.path ?? volume.spec.hostPath?.path ?? "";
  try {
    await eraseDirectory({ path, root: volume.metadata.annotations?.[volumeRoot] ?? dirname(path) });
  } catch (error) {
    events.record(volume, { type: "Warning", reason: "VolumeFailedDelete", message: messageOf(error) });
    throw error;
  }
  const free = await client.update(persistentVolume, letGo(volume));
  await deletion(client, persistentVolume, free)(cache);
  log.info("erased a volume", { volume: volume.metadata.name, path });
}
