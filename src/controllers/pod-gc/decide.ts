import { isLeaving } from "../../api/object.ts";
import { hasEnded } from "../../api/pod-phase.ts";
import type { Node, Pod, PodCondition } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import { isOutOfService } from "../nodes.ts";

export interface Observed {
  readonly pod: Pod;
  /** The node that it is bound to, as far as there is one. */
  readonly node: Node | undefined;
  /** How long that node has been missing. */
  readonly missingForMs: number;
  /** Whether it is one of the pods that have ended and are too many. */
  readonly isSurplus: boolean;
  readonly now: number;
}

/** Undefined: the pod is not ours to delete. `failed`: what its status must say first. */
export type Decision =
  | { readonly delete: true; readonly failed?: { readonly phase: "Failed"; readonly conditions?: PodCondition[] } }
  | { readonly againMs: number }
  | undefined;

/** How long a node may be away before its pods are given up: it may only have been registered anew. */
const quarantineMs = 40_000;

/** Which pods nobody else will delete (Kubernetes docs, "Pod Lifecycle", section "Garbage collection of Pods"). */
export function decide({ pod, node, missingForMs, isSurplus, now }: Observed): Decision {
  if (isSurplus) return { delete: true };
  const failed = hasEnded(pod) ? {} : { failed: { phase: "Failed" as const } };
  if (!pod.spec.nodeName) return isLeaving(pod) ? { delete: true, ...failed } : undefined;
  if (node) return isLeaving(pod) && isOutOfService(node) ? { delete: true, ...failed } : undefined;
  if (missingForMs < quarantineMs) return { againMs: quarantineMs - missingForMs };
  if (hasEnded(pod)) return { delete: true };
  const target = {
    type: "DisruptionTarget",
    status: "True",
    reason: "DeletionByPodGC",
    message: "PodGC: node no longer exists",
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    lastTransitionTime: timeText(now),
  };
  return { delete: true, failed: { phase: "Failed", conditions: [target] } };
}

/** The pods that have ended and are more than `threshold`: those that were evicted first, then the oldest. */
export function surplus(ended: readonly Pod[], threshold: number): readonly Pod[] {
  if (threshold === 0 || ended.length <= threshold) return [];
  const rank = ({ metadata, status }: Pod): string =>
    `${status?.reason === "Evicted" ? 0 : 1} ${metadata.creationTimestamp} ${metadata.name}`;
  return [...ended].sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).slice(0, ended.length - threshold);
}
