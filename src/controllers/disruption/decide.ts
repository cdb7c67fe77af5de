import { isLeaving } from "../../api/object.ts";
import type { Condition, Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import type { EventNews } from "../../client/events.ts";
import { conditionOf } from "../conditions.ts";
import { countFrom } from "../deployment/limits.ts";
import { goSelectorText } from "../go-selector.ts";
import { isReady } from "../pods.ts";
import { soonest } from "../soonest.ts";
import type { Scales } from "./scales.ts";

/** What the informers held when the key came up. */
export interface Observed {
  readonly budget: PodDisruptionBudget;
  /** The pods that it selects. */
  readonly pods: readonly Pod[];
  /** What is known of the controllers of these pods. */
  readonly scales: Scales;
  readonly now: number;
}

export interface Decision {
  readonly status: PodDisruptionBudgetStatus;
  readonly news: readonly EventNews[];
  /** Pods whose eviction was allowed, but that nobody removed in time. */
  readonly overdue: readonly Pod[];
  /** When an eviction that was allowed, but that nobody carried out, is to be forgotten. */
  readonly againMs: number | undefined;
}

/** So long an evicted pod may stay before it counts again. */
const evictionMs = 120_000;

/** How many of its pods may be disrupted now (Kubernetes docs, "Disruptions", section "Pod disruption budgets"). */
export function decide({ budget, pods, scales, now }: Observed): Decision {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  const asksControllers = maxUnavailable !== undefined || typeof minAvailable === "string";
  if (asksControllers && scales.failure) return failed(budget, scales.failure, now);
  const news: EventNews[] = [];
  if (pods.length === 0) news.push({ type: "Normal", reason: "NoPods", message: "No matching pods found" });
  if (asksControllers && scales.someUnmanaged)
    news.push({
      type: "Warning",
      reason: "UnmanagedPods",
      message: `Pods selected by this PodDisruptionBudget (selector: ${goSelectorText(budget.spec?.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`,
    });
  const { expectedPods, desiredHealthy } = goal(budget, pods.length, scales.wanted);
  const { disruptedPods, overdue, againMs } = stillDisrupted(budget, pods, now);
  const currentHealthy = pods.filter(
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
      conditions: withCondition(budget, conditionFor(budget, disruptionsAllowed, now)),
    },
    news,
    overdue,
    againMs,
  };
}

/** While the goal is unknown, no pod may go. */
function failed(budget: PodDisruptionBudget, why: string, now: number): Decision {
  const { disruptedPods, observedGeneration, ...before } = budget.status ?? {};
  // What is asked for now has not been looked at: the generation stays the one before.
  const generation = observedGeneration === undefined ? {} : { observedGeneration };
  const { observedGeneration: _, ...condition } = conditionFor(budget, 0, now);
  const allowed = { ...condition, ...generation, reason: "SyncFailed", message: why };
  return {
    status: {
      ...(disruptedPods && { disruptedPods }),
      currentHealthy: before.currentHealthy ?? 0,
      desiredHealthy: before.desiredHealthy ?? 0,
      expectedPods: before.expectedPods ?? 0,
      disruptionsAllowed: 0,
      ...generation,
      conditions: withCondition(budget, allowed),
    },
    news: [
      {
        type: "Warning",
        reason: "CalculateExpectedPodCountFailed",
        message: `Failed to calculate the number of expected pods: ${why}`,
      },
    ],
    overdue: [],
    againMs: undefined,
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
  const overdue: Pod[] = [];
  for (const [name, time] of Object.entries(status?.disruptedPods ?? {})) {
    const pod = pods.find(({ metadata }) => metadata.name === name);
    const waitMs = Date.parse(time) + evictionMs - now;
    if (!pod || isLeaving(pod)) continue;
    if (waitMs <= 0) {
      overdue.push(pod);
      continue;
    }
    disruptedPods[name] = time;
    waits.push(waitMs);
  }
  return { disruptedPods, overdue, againMs: soonest(waits) };
}

/** What others said of the budget stays. */
function withCondition({ status }: PodDisruptionBudget, allowed: Condition): Condition[] {
  const before = status?.conditions ?? [];
  const isThere = before.some(({ type }) => type === allowed.type);
  return isThere ? before.map((one) => (one.type === allowed.type ? allowed : one)) : [...before, allowed];
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
