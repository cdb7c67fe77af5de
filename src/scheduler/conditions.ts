import type { Pod, PodCondition } from "../api/schema/types.ts";
import { timeText } from "../api/time.ts";
import { preemptionReason } from "./preemption.ts";

/** Why a pod has no node: none fits, or the try itself went wrong. */
export type Trouble = "Unschedulable" | "SchedulerError";

/** The condition that tells why there is no node; undefined when the pod says so already. */
export function notScheduled(
  { metadata, status }: Pod,
  { reason, message, now }: { reason: Trouble; message: string; now: number },
): PodCondition | undefined {
  const before = status?.conditions?.find(({ type }) => type === "PodScheduled");
  const same = before?.status === "False" && before.reason === reason;
  if (same && before.message === message && before.observedGeneration === metadata.generation) return undefined;
  return {
    type: "PodScheduled",
    ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
    status: "False",
    lastTransitionTime: (before?.status === "False" && before.lastTransitionTime) || timeText(now),
    reason,
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
