import { isLeaving } from "../../api/object.ts";
import { hasEnded } from "../../api/pod-phase.ts";
import type { DaemonSet, DaemonSetStatus, Node, Pod } from "../../api/schema/types.ts";
import { withoutZeros } from "../conditions.ts";
import { countFrom } from "../deployment/limits.ts";
import { availableInMs, isReady, nextAvailableMs } from "../pods.ts";
import { revisionOfPod } from "../revisions.ts";
import { soonest } from "../soonest.ts";
import { suitability, targetNode } from "./nodes.ts";

/** What the informers held when the key came up. */
export interface Observed {
  readonly daemonSet: DaemonSet;
  readonly nodes: readonly Node[];
  /** The pods that are the DaemonSet's. */
  readonly pods: readonly Pod[];
  /** The hash of today's template. */
  readonly hash: string;
  /** How long a pod that failed is still to be left where it is. */
  readonly waitMs: (failed: Pod) => number;
  readonly now: number;
}

/** What should happen next. */
export interface Decision {
  /** Names of nodes. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  /** Those to be removed because they have ended; the others will run there anew. */
  readonly ended: readonly Pod[];
  readonly status: DaemonSetStatus;
  /** When a pod that is ready now will count as available, or one that failed may go. */
  readonly againMs: number | undefined;
}

/** A node with the pods that are on it or meant for it. */
interface Place {
  readonly node: string;
  /** Whether there is such a node. */
  readonly exists: boolean;
  readonly runs: boolean;
  readonly keeps: boolean;
  readonly pods: readonly Pod[];
}

interface Changes {
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
}

const nothing: Changes = { create: [], remove: [] };

/** As many as one round creates or removes at most, as in Kubernetes. */
const burst = 250;

export function decide(observed: Observed): Decision {
  const places = placesOf(observed);
  const { ended, ...placing } = place(observed, places);
  const isPlaced = placing.create.length + placing.remove.length + ended.length === 0;
  // One thing after the other: what is replaced depends on who is there.
  const { create, remove } = isPlaced ? roll(observed, places) : placing;
  const { daemonSet, pods, now } = observed;
  const failed = pods.filter(({ status }) => status?.phase === "Failed");
  const untilReplaced = failed.map((pod) => observed.waitMs(pod) || undefined);
  return {
    create: create.slice(0, burst),
    remove: remove.slice(0, burst),
    ended,
    status: statusOf(observed, places),
    againMs: soonest([nextAvailableMs(pods, daemonSet.spec.minReadySeconds ?? 0, now), ...untilReplaced]),
  };
}

function placesOf({ daemonSet, nodes, pods }: Observed): Place[] {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const name = targetNode(pod);
    // One that has ended and is leaving is as good as gone: its place is free.
    if (name === undefined || (isLeaving(pod) && hasEnded(pod))) continue;
    byNode.set(name, [...(byNode.get(name) ?? []), pod]);
  }
  const places = nodes.map((node) => {
    const suits = suitability(daemonSet, node);
    const { name } = node.metadata;
    const here = (byNode.get(name) ?? []).sort(oldestFirst);
    byNode.delete(name);
    return { node: name, exists: true, runs: suits === "runs", keeps: suits !== "refuses", pods: here };
  });
  // Nodes that are no more: bound pods are left to the pod garbage collection.
  const lost = [...byNode].map(([node, here]) => ({
    node,
    exists: false,
    runs: false,
    keeps: false,
    pods: here.filter(({ spec }) => !spec.nodeName),
  }));
  return [...places, ...lost];
}

/** One pod on each node that should have one, none elsewhere. */
function place(observed: Observed, places: readonly Place[]): Changes & { readonly ended: readonly Pod[] } {
  const create: string[] = [];
  const remove: Pod[] = [];
  const ended: Pod[] = [];
  const surges = limitsOf(observed.daemonSet, places).maxSurge > 0;
  for (const { node, runs, keeps, pods } of places) {
    const staying = pods.filter((pod) => !isLeaving(pod));
    if (!keeps) {
      remove.push(...staying);
      continue;
    }
    // One that waits out its back-off does not keep the others from being updated.
    const due = (pod: Pod): boolean => pod.status?.phase === "Succeeded" || observed.waitMs(pod) === 0;
    ended.push(...staying.filter((pod) => hasEnded(pod) && due(pod)));
    const running = staying.filter((pod) => !hasEnded(pod));
    if (runs && (pods.length === 0 || (surges && running.length === 0))) create.push(node);
    if (running.length > 1) remove.push(...(surges ? surplusOfSurge(running, observed) : running.slice(1)));
  }
  return { create, remove, ended };
}

/** While a new pod comes up beside an old one, these two may stay; everyone else goes. */
function surplusOfSurge(running: readonly Pod[], observed: Observed): Pod[] {
  const fresh = running.find((pod) => isUpdated(pod, observed));
  const old = running.find((pod) => !isUpdated(pod, observed));
  const others = running.filter((pod) => pod !== fresh && pod !== old);
  const oldIsDone = fresh && old && (!isReady(old) || wait(fresh, observed) === 0);
  return oldIsDone ? [...others, old] : others;
}

/** The next step of a rolling update. */
function roll(observed: Observed, places: readonly Place[]): Changes {
  if (observed.daemonSet.spec.updateStrategy?.type !== "RollingUpdate") return nothing;
  const { maxSurge, maxUnavailable } = limitsOf(observed.daemonSet, places);
  // A node without any pod is the concern of placing; most often it should have none.
  const inUse = places
    .filter(({ pods }) => pods.length > 0)
    .map(({ node, runs, pods }) => ({ node, runs, ...pairOf(pods, observed) }));
  const isAvailable = (pod: Pod): boolean => wait(pod, observed) === 0;
  if (maxSurge === 0) {
    const unavailable = inUse.filter(
      ({ old, fresh, isClear }) => !isClear || Boolean(old) === Boolean(fresh) || (fresh && !isAvailable(fresh)),
    );
    const candidates = inUse.flatMap(({ old, fresh, isClear }) => (isClear && old && !fresh ? [old] : []));
    const idle = candidates.filter((pod) => !isAvailable(pod));
    const serving = candidates.filter(isAvailable);
    const allowed = Math.max(0, maxUnavailable - unavailable.length - idle.length);
    return { create: [], remove: [...idle, ...serving.slice(0, allowed)] };
  }
  const surging = inUse.filter(({ old, fresh, isClear }) => !isClear || (old && fresh && !isAvailable(fresh)));
  const candidates = inUse.flatMap(({ node, runs, old, fresh, isClear }) =>
    isClear && old && !fresh ? [{ node, runs, old, serves: isAvailable(old) }] : [],
  );
  const idle = candidates.filter(({ runs, serves }) => runs && !serves);
  const serving = candidates.filter(({ runs, serves }) => runs && serves);
  // Where nothing should run any more, what serves stays until as many serve elsewhere as there should be.
  const stray = candidates.filter(({ runs }) => !runs);
  const available = inUse.filter(({ old, fresh, isClear }) => {
    const counted = old ?? fresh;
    return isClear && counted && isAvailable(counted);
  }).length;
  const dispensable = Math.max(0, available - places.filter(({ runs }) => runs).length);
  return {
    create: [...idle, ...serving.slice(0, Math.max(0, maxSurge - surging.length))].map(({ node }) => node),
    remove: [
      ...stray.filter(({ serves }) => !serves).map(({ old }) => old),
      ...inUse.flatMap(({ old, fresh, isClear }) => (isClear && old && fresh && isAvailable(fresh) ? [old] : [])),
      ...stray
        .filter(({ serves }) => serves)
        .slice(0, dispensable)
        .map(({ old }) => old),
    ],
  };
}

/** The pod of today's template and the one of an earlier; not clear while there are several of one sort. */
function pairOf(pods: readonly Pod[], observed: Observed) {
  const staying = pods.filter((pod) => !isLeaving(pod));
  const fresh = staying.filter((pod) => isUpdated(pod, observed));
  const old = staying.filter((pod) => !isUpdated(pod, observed));
  return { fresh: fresh[0], old: old[0], isClear: fresh.length <= 1 && old.length <= 1 };
}

function limitsOf({ spec }: DaemonSet, places: readonly Place[]): { maxSurge: number; maxUnavailable: number } {
  if (spec.updateStrategy?.type !== "RollingUpdate") return { maxSurge: 0, maxUnavailable: 0 };
  const desired = places.filter(({ runs }) => runs).length;
  const { maxSurge = 0, maxUnavailable = 1 } = spec.updateStrategy.rollingUpdate ?? {};
  const surge = countFrom(maxSurge, desired, Math.ceil);
  const unavailable = countFrom(maxUnavailable, desired, Math.ceil);
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

function statusOf(observed: Observed, places: readonly Place[]): DaemonSetStatus {
  const { metadata, status } = observed.daemonSet;
  const wanted = places.filter(({ runs }) => runs);
  const oldest = wanted.flatMap(({ pods }) => pods[0] ?? []);
  const available = oldest.filter((pod) => wait(pod, observed) === 0).length;
  return {
    currentNumberScheduled: oldest.length,
    numberMisscheduled: places.filter(({ exists, runs, pods }) => exists && !runs && pods.length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: oldest.filter(isReady).length,
    ...withoutZeros({
      observedGeneration: metadata.generation ?? 0,
      updatedNumberScheduled: oldest.filter((pod) => isUpdated(pod, observed)).length,
      numberAvailable: available,
      numberUnavailable: wanted.length - available,
    }),
    ...(status?.collisionCount !== undefined && { collisionCount: status.collisionCount }),
    ...(status?.conditions && { conditions: status.conditions }),
  };
}

const isUpdated = (pod: Pod, { hash }: Observed): boolean => revisionOfPod(pod) === hash;

const wait = (pod: Pod, { daemonSet, now }: Observed): number | undefined =>
  availableInMs(pod, daemonSet.spec.minReadySeconds ?? 0, now);

function oldestFirst(a: Pod, b: Pod): number {
  const [bornA, bornB] = [a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? ""];
  if (Boolean(a.spec.nodeName) !== Boolean(b.spec.nodeName)) return a.spec.nodeName ? -1 : 1;
  return bornA < bornB ? -1 : bornA > bornB ? 1 : a.metadata.name < b.metadata.name ? -1 : 1;
}
