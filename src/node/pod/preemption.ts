import { podRequests } from "../../api/pod-resources.ts";
import { milliOf, unitsOf } from "../../api/quantity.ts";
import type { Pod } from "../../api/schema/types.ts";
import type { Shortage } from "../allocations.ts";
import { isCritical } from "./critical.ts";
import { type QosClass, qosClassOf } from "./resources.ts";

/** What a pod's status says that had to go (kubelet's words). */
export const preempted = {
  reason: "Preempting",
  message: "Preempted in order to admit critical pod",
  disruption: "TerminationByKubelet",
  disruptionMessage: "Pod was preempted by Kubelet to accommodate a critical pod.",
} as const;

/**
 * The pods that have to go so that a critical one has room: as few as possible, and rather those that were promised less.
 * Undefined when that does not help (Kubernetes docs, "Guaranteed Scheduling For Critical Add-On Pods").
 */
export function victimsFor(
  pod: Pod,
  others: readonly Pod[],
  shortages: readonly Shortage[],
): readonly Pod[] | undefined {
  const yielding = others.filter((other) => yieldsTo(pod, other));
  const of = (qos: QosClass) => yielding.filter((other) => qosClassOf(other) === qos);
  const [bestEffort, burstable, guaranteed] = [of("BestEffort"), of("Burstable"), of("Guaranteed")];
  if (left(shortages, yielding).length > 0) return undefined;
  // Of each class only what is still lacking when all that was promised less has gone.
  const worst = fewest(guaranteed, left(shortages, [...bestEffort, ...burstable]));
  const middle = fewest(burstable, left(shortages, [...bestEffort, ...worst]));
  const least = fewest(bestEffort, left(shortages, [...middle, ...worst]));
  return [...least, ...middle, ...worst];
}

/** Why a critical pod cannot be taken although others would have to make room for it. */
export function noVictims(shortages: readonly Shortage[]): { readonly reason: string; readonly message: string } {
  const lacking = shortages.map(({ sort, amount }) => `(res: ${sort}, q: ${amount}), `).join("");
  return {
    reason: "UnexpectedAdmissionError",
    message:
      "Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods " +
      `to preempt: no set of running pods found to reclaim resources: [${lacking}]`,
  };
}

function yieldsTo(pod: Pod, other: Pod): boolean {
  if (isCritical(pod) && !isCritical(other)) return true;
  const [mine, theirs] = [pod.spec.priority, other.spec.priority];
  return mine !== undefined && theirs !== undefined && mine > theirs;
}

/** Takes again and again the pod that comes closest to what is lacking; of equals the one that asks for less. */
function fewest(pods: readonly Pod[], shortages: readonly Shortage[]): readonly Pod[] {
  const chosen: Pod[] = [];
  let lacking = shortages;
  while (lacking.length > 0) {
    const [best] = pods
      .filter((pod) => !chosen.includes(pod))
      .toSorted(
        (a, b) =>
          distance(lacking, a) - distance(lacking, b) ||
          requestOf(a, "memory") - requestOf(b, "memory") ||
          requestOf(a, "cpu") - requestOf(b, "cpu"),
      );
    if (!best) break;
    chosen.push(best);
    lacking = left(lacking, [best]);
  }
  return chosen;
}

function left(shortages: readonly Shortage[], gone: readonly Pod[]): readonly Shortage[] {
  return shortages
    .map(({ sort, amount }) => ({ sort, amount: gone.reduce((rest, pod) => rest - requestOf(pod, sort), amount) }))
    .filter(({ amount }) => amount > 0);
}

/** How much of what is lacking a pod leaves lacking; each resource weighs the same. */
function distance(shortages: readonly Shortage[], pod: Pod): number {
  return shortages.reduce(
    (sum, { sort, amount }) => sum + (Math.max(0, amount - requestOf(pod, sort)) / amount) ** 2,
    0,
  );
}

function requestOf({ spec }: Pod, sort: string): number {
  if (sort === "pods") return 1;
  const quantity = podRequests(spec, { overhead: true })[sort] ?? "0";
  return sort === "cpu" ? milliOf(quantity) : unitsOf(quantity);
}
