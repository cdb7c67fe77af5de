import { namespace } from "../api/kinds/core/namespace.ts";
import { node } from "../api/kinds/core/node.ts";
import { pod } from "../api/kinds/core/pod.ts";
import { hasEnded } from "../api/pod-phase.ts";
import type { Node, Pod } from "../api/schema/types.ts";
import type { Change, Informers } from "../client/informer.ts";
import type { Nominations } from "./nominations.ts";
import type { WatchedObjects } from "./objects.ts";
import { podInfoFrom } from "./pod-info.ts";
import type { SchedulingQueue } from "./queue.ts";
import type { Snapshot } from "./snapshot.ts";

export interface Followed {
  readonly informers: Informers;
  readonly objects: WatchedObjects;
  readonly cluster: Snapshot;
  readonly queue: SchedulingQueue;
  readonly nominations: Nominations;
  /** Pods whose binding is on its way. */
  readonly binding: ReadonlySet<string>;
  readonly isOurs: (object: Pod) => boolean;
}

/** Keeps the snapshot up to date, and tells the queue what may help those who wait. */
export function followCluster({
  informers,
  objects,
  cluster,
  queue,
  nominations,
  binding,
  isOurs,
}: Followed): Disposable {
  function podChanged({ before, after }: Change<Pod>): void {
    const uid = (after ?? before)?.metadata.uid ?? "";
    if (after && isOurs(after)) {
      const info = podInfoFrom(after);
      if (after.status?.nominatedNodeName && !binding.has(uid)) nominations.set(info, after.status.nominatedNodeName);
      if (!binding.has(uid)) queue.set(info);
      return;
    }
    queue.remove(uid);
    if (nominations.delete(uid) && before) queue.changed({ of: "pod", before: podInfoFrom(before) });
    if (!after?.spec?.nodeName || hasEnded(after)) {
      if (!cluster.holds(uid) || (binding.has(uid) && after && !hasEnded(after))) return;
      cluster.remove(uid);
      queue.changed({ of: "pod", before: before && podInfoFrom(before) });
      return;
    }
    const isNew = !before?.spec?.nodeName;
    if (!isNew && cluster.holds(uid) && !podMatters(before, after)) return;
    const info = podInfoFrom(after);
    cluster.place(info, after.spec.nodeName);
    queue.changed({ of: "pod", before: isNew ? undefined : podInfoFrom(before), after: info });
  }

  const listening = new DisposableStack();
  listening.use(
    informers.of(node).onChange(({ before, after }) => {
      if (after) cluster.setNode(after);
      else if (before) cluster.removeNode(before.metadata.name);
      if (!before || !after || nodeMatters(before, after)) queue.changed({ of: "node", before, after });
    }),
  );
  listening.use(
    informers.of(namespace).onChange(({ before, after }) => {
      if (JSON.stringify(before?.metadata.labels) !== JSON.stringify(after?.metadata.labels))
        cluster.namespacesChanged();
    }),
  );
  listening.use(informers.of(pod).onChange(podChanged));
  listening.use(objects.onChange((before, after) => queue.changed({ of: "object", before, after })));
  return listening;
}

/** Heartbeats change a node every few seconds and no pod's chances. */
function nodeMatters(before: Node, after: Node): boolean {
  const relevant = ({ metadata, spec, status }: Node): string =>
    JSON.stringify([
      metadata.labels,
      metadata.annotations,
      spec,
      status?.allocatable,
      status?.declaredFeatures,
      status?.conditions?.map((condition) => condition.status),
    ]);
  return relevant(before) !== relevant(after);
}

function givenResources({ status }: Pod): string {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  return JSON.stringify(statuses.map(({ resources, allocatedResources }) => [resources?.requests, allocatedResources]));
}

/** Whether a pod that is on its node takes another place in the picture than before. */
function podMatters(before: Pod, after: Pod): boolean {
  return (
    before.metadata.generation !== after.metadata.generation ||
    before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp ||
    before.status?.startTime !== after.status?.startTime ||
    givenResources(before) !== givenResources(after) ||
    JSON.stringify(before.metadata.labels) !== JSON.stringify(after.metadata.labels) ||
    JSON.stringify(before.status?.conditions) !== JSON.stringify(after.status?.conditions)
  );
}
