import type { Plugin, Rejection } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import type { NodeState } from "../snapshot.ts";

/** What pods ask for must be there; among nodes where it is, the emptier one is better. */
export const nodeResourcesFit: Plugin = {
  name: "NodeResourcesFit",
  weight: 1,
  filter: (pod) => ({ sort: "nodes", rejects: (node) => lack(pod, node) }),
  score: (pod) => ({ score: (node) => leastAllocated(pod, node) }),
  mayHelp: (_pod, change) =>
    change.of === "node" || (change.of === "pod" && (!change.after || asksForLess(change.before, change.after))),
};

/** The order in which lacking resources are named. */
const first = ["cpu", "memory", "ephemeral-storage"];

function lack({ requests }: PodInfo, { allocatable, requested, pods }: NodeState): Rejection | undefined {
  const reasons: string[] = [];
  let curable = true;
  if (pods.size + 1 > (allocatable.get("pods") ?? 0)) reasons.push("Too many pods");
  const check = (name: string, amount: number): void => {
    const total = allocatable.get(name) ?? 0;
    if (amount === 0 || amount <= total - (requested.get(name) ?? 0)) return;
    reasons.push(`Insufficient ${name}`);
    if (amount > total) curable = false;
  };
  for (const name of first) check(name, requests.get(name) ?? 0);
  for (const [name, amount] of requests) if (!first.includes(name)) check(name, amount);
  return reasons.length > 0 ? { reasons, curable } : undefined;
}

function leastAllocated({ assumed }: PodInfo, node: NodeState): number {
  const shares = (["cpu", "memory"] as const).flatMap((name) => {
    const total = node.allocatable.get(name) ?? 0;
    const used = node.assumed[name] + assumed[name];
    return total === 0 ? [] : [used > total ? 0 : Math.floor(((total - used) * 100) / total)];
  });
  return shares.length === 0 ? 0 : Math.floor(shares.reduce((sum, share) => sum + share, 0) / shares.length);
}

function asksForLess(before: PodInfo | undefined, after: PodInfo): boolean {
  return (
    before !== undefined && [...before.requests].some(([name, amount]) => amount > (after.requests.get(name) ?? 0))
  );
}
