import type { Plugin } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import type { NodeState } from "../snapshot.ts";

/** A node is used well when no resource runs out long before the others. */
export const nodeResourcesBalanced: Plugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  score(pod) {
    if (!pod.requests.get("cpu") && !pod.requests.get("memory")) return undefined;
    return { score: (node) => balance(pod, node) };
  },
};

function balance({ requests }: PodInfo, { allocatable, requested }: NodeState): number {
  const shares = ["cpu", "memory"].flatMap((name) => {
    const total = allocatable.get(name) ?? 0;
    const used = (requested.get(name) ?? 0) + (requests.get(name) ?? 0);
    return total === 0 ? [] : [Math.min(1, used / total)];
  });
  const [a = 0, b = a] = shares;
  return Math.floor((1 - Math.abs(a - b) / 2) * 100);
}
