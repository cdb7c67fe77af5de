import { isLeaving } from "../../api/object.ts";
import type { Condition, Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from "../../api/schema/types.ts";
import { conditionOf, timeText } from "../conditions.ts";
import { countFrom } from "../deployment/limits.ts";
import { hasEnded, isReady } from "../pods.ts";

/** What the informers held when the key came up. */
export interface Observed {
  readonly budget: PodDisruptionBudget;
  /** The pods that it selects. */
  readonly pods: readonly Pod[];
  /** How many pods their controllers want, each controller once. */
  readonly wantedByControllers: number;
  readonly now: number;
}

export interface Decision {
  readonly status: PodDisruptionBudgetStatus;
  /** When an eviction that was allowed, but that nobody carried out, is to be forgotten. */
  readonly againMs: number | undefined;
}

/** So long an evicted pod may stay before it counts again. */
const evictionMs = 120_000;

/** How many of its pods may be disrupted now (Kubernetes docs, "Disruptions", section "Pod disruption budgets"). */
export function decide({ budget, pods, wantedByControllers, now }: Observed): Decision {
  const counted = pods.filter((pod) => !hasEnded(pod));
  const { expectedPods, desiredHealthy } = goal(budget, counted.length, wantedByControllers);
  const { disruptedPods, againMs } = stillDisrupted(budget, counted, now);
  const currentHealthy = counted.filter(
    (pod) => isReady(pod) && !isLeaving(pod) && !(pod.metadata.name in disruptedPods),
  ).length;
  const disruptionsAllowed = expectedPods === 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  return {
    status: {
      ...(Object.keys(disruptedPods).length > 0 && { disruptedPods }),
      disruptionsAllowed,
      currentHealthy,
      desiredHealthy,
      expectedPods,
      observedGeneration: budget.metadata.generation ?? 0,
      conditions: [conditionFor(budget, disruptionsAllowed, now)],
    },
    againMs,
  };
}

function goal(
  { spec }: PodDisruptionBudget,
  there: number,
  wanted: number,
): { expectedPods: number; desiredHealthy: number } {
  const { minAvailable, maxUnavailable } = spec ?? {};
  if (maxUnavailable !== undefined) {
    const desiredHealthy = Math.max(0, wanted - countFrom(maxUnavailable, wanted, Math.ceil));
    return { expectedPods: wanted, desiredHealthy };
  }
  if (typeof minAvailable === "string")
    return { expectedPods: wanted, desiredHealthy: countFrom(minAvailable, wanted, Math.ceil) };
  return { expectedPods: there, desiredHealthy: minAvailable ?? 0 };
}

/** Evictions that were allowed and whose pods are still there, for a while. */
function stillDisrupted({ status }: PodDisruptionBudget, pods: readonly Pod[], now: number) {
  const disruptedPods: Record<string, string> = {};
  const waits: number[] = [];
  for (const [name, time] of Object.entries(status?.disruptedPods ?? {})) {
    const pod = pods.find(({ metadata }) => metadata.name === name);
    const waitMs = Date.parse(time) + evictionMs - now;
    if (!pod || isLeaving(pod) || waitMs <= 0) continue;
    disruptedPods[name] = time;
    waits.push(waitMs);
  }
  return { disruptedPods, againMs: waits.length > 0 ? Math.min(...waits) : undefined };
}

function conditionFor({ metadata, status }: PodDisruptionBudget, allowed: number, now: number): Condition {
  const before = conditionOf(status?.conditions, "DisruptionAllowed");
  const wanted = allowed > 0 ? "True" : "False";
  return {
    type: "DisruptionAllowed",
    status: wanted,
    observedGeneration: metadata.generation ?? 0,
    lastTransitionTime: (before?.status === wanted && before.lastTransitionTime) || timeText(now),
    reason: allowed > 0 ? "SufficientPods" : "InsufficientPods",
    message: "",
  };
}
