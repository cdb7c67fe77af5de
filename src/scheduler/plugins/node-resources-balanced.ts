import type { Plugin } from "../plugin.ts";
import type { NodeState } from "../snapshot.ts";
import { cpuAndMemory, isRelevant, type WeighedResource } from "./resource-shares.ts";

export interface BalancedArguments {
  readonly resources?: readonly WeighedResource[];
}

/**
 * A node is used well when no resource runs out long before the others: a pod is better where it evens out what is there
 * than where it makes it less even.
 */
export function nodeResourcesBalanced({ resources = cpuAndMemory }: BalancedArguments = {}): Plugin {
  return {
    name: "NodeResourcesBalancedAllocation",
    score(pod) {
      const relevant = resources.filter((resource) => isRelevant(pod, resource));
      // Pods that ask for nothing unbalance nothing.
      if (relevant.every(({ name }) => !pod.requests.get(name))) return undefined;
      const wanted = relevant.map(({ name }) => ({ name, amount: pod.requests.get(name) ?? 0 }));
      const nothing = wanted.map(({ name }) => ({ name, amount: 0 }));
      return { score: (node) => 50 + Math.trunc((50 + balance(node, wanted) - balance(node, nothing)) / 2) };
    },
  };
}

/** From 50, when one resource is used up and the others are not used at all, to 100, when all are used alike. */
function balance({ allocatable, requested }: NodeState, added: readonly { name: string; amount: number }[]): number {
  const shares: number[] = [];
  for (const { name, amount } of added) {
    const total = allocatable.get(name) ?? 0;
    if (total > 0) shares.push(Math.min(1, ((requested.get(name) ?? 0) + amount) / total));
  }
  return Math.trunc((1 - deviation(shares)) * 100);
}

function deviation(shares: readonly number[]): number {
  const [a = 0, b = a] = shares;
  if (shares.length <= 2) return Math.abs((a - b) / 2);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length);
}
