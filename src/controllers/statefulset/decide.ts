import { isLeaving } from "../../api/object.ts";
import { hasEnded } from "../../api/pod-phase.ts";
import type { Pod, StatefulSet, StatefulSetStatus } from "../../api/schema/types.ts";
import { withoutZeros } from "../conditions.ts";
import { availableInMs, isReady, nextAvailableMs } from "../pods.ts";
import { revisionOfPod } from "../revisions.ts";
import { ordinalOf } from "./identity.ts";

/** What the informers held when the key came up. */
export interface Observed {
  readonly set: StatefulSet;
  /** The pods that are the StatefulSet's. */
  readonly pods: readonly Pod[];
  /** The names of the revision that pods had before and of the one that they should get. */
  readonly revisions: { readonly current: string; readonly update: string };
  /** Ordinals whose claims still go with an earlier pod: until they have gone there can be no new one. */
  readonly unfree?: ReadonlySet<number>;
  readonly now: number;
}

/** What should happen next. */
export interface Decision {
  readonly create: readonly { readonly ordinal: number; readonly revision: string }[];
  readonly remove: readonly Pod[];
  /** Pods beyond what is wanted: where the policy says so, their claims go with them. */
  readonly condemned: readonly Pod[];
  readonly status: StatefulSetStatus;
  /** When a pod that is ready now will count as available. */
  readonly againMs: number | undefined;
}

/** Of an ordinal that should be there, with the pod that has it. */
interface Place {
  readonly ordinal: number;
  readonly pod: Pod | undefined;
}

export function decide(observed: Observed): Decision {
  const { set, pods } = observed;
  const start = set.spec.ordinals?.start ?? 0;
  const end = start + (set.spec.replicas ?? 1);
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(pod, set) ?? -1, pod]));
  const places: Place[] = [];
  for (let ordinal = start; ordinal < end; ordinal++) places.push({ ordinal, pod: byOrdinal.get(ordinal) });
  const condemned = [...byOrdinal]
    .filter(([ordinal]) => ordinal >= 0 && (ordinal < start || ordinal >= end))
    .sort(([a], [b]) => b - a)
    .map(([, pod]) => pod);

  const step = isLeaving(set) ? nothing : nextStep(observed, places, condemned);
  return {
    create: step.create,
    remove: step.remove,
    condemned,
    status: statusOf(observed, step),
    againMs: nextAvailableMs(pods, set.spec.minReadySeconds ?? 0, observed.now),
  };
}

interface Step {
  readonly create: Decision["create"];
  readonly remove: readonly Pod[];
  /** Which of those that are removed makes room for the new revision. */
  readonly outdated?: Pod | undefined;
}

const nothing: Step = { create: [], remove: [] };

function nextStep(observed: Observed, places: readonly Place[], condemned: readonly Pod[]): Step {
  const inOrder = observed.set.spec.podManagementPolicy !== "Parallel";
  const create: { ordinal: number; revision: string }[] = [];
  const ended: Pod[] = [];
  for (const { ordinal, pod } of places) {
    // A pod that has ended makes room for one of the same name.
    const hasGone = pod !== undefined && hasEnded(pod);
    if (hasGone && !isLeaving(pod)) ended.push(pod);
    if (!pod && !observed.unfree?.has(ordinal)) create.push({ ordinal, revision: revisionFor(observed, ordinal) });
    const isSettled = pod && !hasGone && !isLeaving(pod) && isAvailable(pod, observed);
    if (inOrder && !isSettled) return { create, remove: ended };
  }
  const leaving = removal(observed, places, condemned, inOrder);
  const remove = [...ended, ...leaving.remove];
  if (leaving.isFinal) return { create, remove };
  const outdated = nextOutdated(observed, places);
  return { create, remove: outdated && !remove.includes(outdated) ? [...remove, outdated] : remove, outdated };
}

/** From the top, in order one at a time; one that is not available is no reason to wait when it is the one that goes. */
function removal(observed: Observed, places: readonly Place[], condemned: readonly Pod[], inOrder: boolean) {
  const staying = condemned.filter((pod) => !isLeaving(pod));
  if (!inOrder) return { remove: staying, isFinal: false };
  const [top] = condemned;
  if (!top) return { remove: [], isFinal: false };
  const firstUnhealthy = [...places.map(({ pod }) => pod), ...condemned.toReversed()].find(
    (pod) => pod && (isLeaving(pod) || !isAvailable(pod, observed)),
  );
  const mayGo = !isLeaving(top) && (isAvailable(top, observed) || top === firstUnhealthy);
  return { remove: mayGo ? [top] : [], isFinal: true };
}

/** The highest pod of an earlier revision, unless one above it is still coming up. */
function nextOutdated(observed: Observed, places: readonly Place[]): Pod | undefined {
  const { set, revisions } = observed;
  if (set.spec.updateStrategy?.type !== "RollingUpdate") return undefined;
  const partition = set.spec.updateStrategy.rollingUpdate?.partition ?? 0;
  for (const { pod } of places.slice(partition).reverse()) {
    if (!pod || isLeaving(pod)) return undefined;
    if (revisionOfPod(pod) !== revisions.update) return pod;
    if (!isAvailable(pod, observed)) return undefined;
  }
  return undefined;
}

/** Below the partition a pod comes back as it was. */
function revisionFor({ set, revisions }: Observed, ordinal: number): string {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  const bound = (set.spec.ordinals?.start ?? 0) + (rollingUpdate?.partition ?? 0);
  return type === "RollingUpdate" && ordinal < bound ? revisions.current : revisions.update;
}

function statusOf(observed: Observed, step: Step): StatefulSetStatus {
  const { set, pods, revisions } = observed;
  const { current, update } = revisions;
  const staying = pods.filter((pod) => !isLeaving(pod));
  const ofRevision = (revision: string): number => staying.filter((pod) => revisionOfPod(pod) === revision).length;
  const counts = {
    replicas: pods.length,
    ready: pods.filter(isRunningAndReady).length,
    available: pods.filter((pod) => isAvailable(pod, observed)).length,
    current: ofRevision(current) - (step.outdated ? 1 : 0),
    updated: ofRevision(update),
  };
  const wanted = set.spec.replicas ?? 1;
  const isDone =
    set.spec.updateStrategy?.type === "RollingUpdate" &&
    [counts.updated, counts.ready, counts.replicas].every((count) => count === wanted);
  return {
    replicas: counts.replicas,
    availableReplicas: counts.available,
    ...withoutZeros({
      observedGeneration: set.metadata.generation ?? 0,
      readyReplicas: counts.ready,
      currentReplicas: Math.max(0, isDone ? counts.updated : counts.current),
      updatedReplicas: counts.updated,
    }),
    currentRevision: isDone ? update : current,
    updateRevision: update,
    collisionCount: set.status?.collisionCount ?? 0,
    ...(set.status?.conditions && { conditions: set.status.conditions }),
  };
}

const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === "Running" && isReady(pod);

const isAvailable = (pod: Pod, observed: Observed): boolean => isRunningAndReady(pod) && wait(pod, observed) === 0;

const wait = (pod: Pod, { set, now }: Observed): number | undefined =>
  availableInMs(pod, set.spec.minReadySeconds ?? 0, now);
