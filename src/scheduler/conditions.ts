import type { Pod, PodCondition } from "../api/schema/types.ts";
import { timeText } from "../api/time.ts";
import { preemptionReason } from "./preemption.ts";

/** The condition that tells why there is no node; undefined when the pod says so already. */
export function unschedulable({ metadata, status }: Pod, message: string, now: number): PodCondition | undefined {
  const before = status?.conditions?.find(({ type }) => type === "PodScheduled");
  const same = before?.status === "False" && before.reason === "Unschedulable";
  if (same && before.message === message && before.observedGeneration === metadata.generation) return undefined;
  return {
    type: "PodScheduled",
    ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
    status: "False",
    lastTransitionTime: (before?.status === "False" && before.lastTransitionTime) || timeText(now),
    reason: "Unschedulable",
    message,
  };
}

/** The condition of a pod that goes to make room for another. */
export function disruptedBy(schedulerName: string, now: number): PodCondition {
  return {
    type: "DisruptionTarget",
    status: "True",
    lastTransitionTime: timeText(now),
    reason: preemptionReason,
    message: `${schedulerName}: preempting to accommodate a higher priority pod`,
  };
}
