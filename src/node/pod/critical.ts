import type { Pod } from "../../api/schema/types.ts";
import { isStatic } from "../static-pods/read.ts";

/** The least priority of a critical pod (Kubernetes docs, "Guaranteed Scheduling For Critical Add-On Pods"). */
const criticalPriority = 2_000_000_000;

/** Whether the node or the cluster cannot do without the pod: it is not evicted, goes last, and others make room for it. */
export function isCritical(pod: Pod): boolean {
  return isStatic(pod) || (pod.spec.priority ?? 0) >= criticalPriority;
}

export function isNodeCritical(pod: Pod): boolean {
  return isCritical(pod) && pod.spec.priorityClassName === "system-node-critical";
}
