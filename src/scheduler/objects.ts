import { replicaSet } from "../api/kinds/apps/replica-set.ts";
import { statefulSet } from "../api/kinds/apps/stateful-set.ts";
import { persistentVolume } from "../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../api/kinds/core/persistent-volume-claim.ts";
import { replicationController } from "../api/kinds/core/replication-controller.ts";
import { service } from "../api/kinds/core/service.ts";
import { csiDriver } from "../api/kinds/storage/csi-driver.ts";
import { csiNode } from "../api/kinds/storage/csi-node.ts";
import { csiStorageCapacity } from "../api/kinds/storage/csi-storage-capacity.ts";
import { storageClass } from "../api/kinds/storage/storage-class.ts";
import type { KubeObject } from "../api/object.ts";
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  ReplicaSet,
  ReplicationController,
  Service,
  StatefulSet,
  StorageClass,
} from "../api/schema/types.ts";
import type { Informer, Informers } from "../client/informer.ts";

/** What plugins look up beside nodes and pods. */
export interface ObjectLookup {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  volumes(): readonly PersistentVolume[];
  storageClass(name: string): StorageClass | undefined;
  csiNode(name: string): CSINode | undefined;
  csiDriver(name: string): CSIDriver | undefined;
  csiCapacities(): readonly CSIStorageCapacity[];
  services(namespace: string): readonly Service[];
  replicaSet(namespace: string, name: string): ReplicaSet | undefined;
  statefulSet(namespace: string, name: string): StatefulSet | undefined;
  replicationController(namespace: string, name: string): ReplicationController | undefined;
}

const nothing = (): undefined => undefined;
const none = (): readonly never[] => [];

/** For plugins that are made only to be asked for their names, and for clusters that hold nothing but nodes and pods. */
export const nothingToLookUp: ObjectLookup = {
  claim: nothing,
  volume: nothing,
  volumes: none,
  storageClass: nothing,
  csiNode: nothing,
  csiDriver: nothing,
  csiCapacities: none,
  services: none,
  replicaSet: nothing,
  statefulSet: nothing,
  replicationController: nothing,
};

export interface WatchedObjects {
  readonly lookup: ObjectLookup;
  readonly synced: Promise<unknown>;
  /** Called for changes of those whose change may give a waiting pod a node. */
  onChange(react: (before: KubeObject | undefined, after: KubeObject | undefined) => void): Disposable;
}

export function watchObjects(informers: Informers): WatchedObjects {
  const claims = informers.of(persistentVolumeClaim);
  const volumes = informers.of(persistentVolume);
  const classes = informers.of(storageClass);
  const csiNodes = informers.of(csiNode);
  const csiDrivers = informers.of(csiDriver);
  const capacities = informers.of(csiStorageCapacity);
  const services = informers.of(service);
  const replicaSets = informers.of(replicaSet);
  const statefulSets = informers.of(statefulSet);
  const replicationControllers = informers.of(replicationController);
  const helpful: readonly Informer<KubeObject>[] = [
    claims,
    volumes,
    classes,
    csiNodes,
    csiDrivers,
    capacities,
  ] as unknown as readonly Informer<KubeObject>[];
  const groups = [services, replicaSets, statefulSets, replicationControllers];
  return {
    lookup: {
      claim: (namespace, name) => claims.get({ namespace, name }),
      volume: (name) => volumes.get({ name }),
      volumes: () => volumes.list(),
      storageClass: (name) => classes.get({ name }),
      csiNode: (name) => csiNodes.get({ name }),
      csiDriver: (name) => csiDrivers.get({ name }),
      csiCapacities: () => capacities.list(),
      services: (namespace) => services.list(namespace),
      replicaSet: (namespace, name) => replicaSets.get({ namespace, name }),
      statefulSet: (namespace, name) => statefulSets.get({ namespace, name }),
      replicationController: (namespace, name) => replicationControllers.get({ namespace, name }),
    },
    synced: Promise.all([...helpful, ...groups].map(({ synced }) => synced)),
    onChange(react) {
      const listening = new DisposableStack();
      for (const informer of helpful) listening.use(informer.onChange(({ before, after }) => react(before, after)));
      return listening;
    },
  };
}
