import type { PodInfo } from "../pod-info.ts";
import type { NodeState } from "../snapshot.ts";

/** A resource by which nodes are compared, and how much it counts. */
export interface WeighedResource {
  readonly name: string;
  readonly weight?: number;
}

export const cpuAndMemory: readonly WeighedResource[] = [
  { name: "cpu", weight: 1 },
  { name: "memory", weight: 1 },
];

/** How much of a resource the node would have given away with the pod on it, and how much it has. */
export function shareOf(pod: PodInfo, node: NodeState, name: string): { used: number; total: number } {
  const total = node.allocatable.get(name) ?? 0;
  if (name === "cpu" || name === "memory") return { used: node.assumed[name] + pod.assumed[name], total };
  return { used: (node.requested.get(name) ?? 0) + (pod.requests.get(name) ?? 0), total };
}

const everyPodUses = new Set(["cpu", "memory", "ephemeral-storage", "storage", "pods"]);

/** Special resources ("example.com/gpu", "hugepages-2Mi") that a pod does not ask for say nothing about where it should be. */
export function isRelevant(pod: PodInfo, { name }: WeighedResource): boolean {
  return everyPodUses.has(name) || (pod.requests.get(name) ?? 0) > 0;
}
