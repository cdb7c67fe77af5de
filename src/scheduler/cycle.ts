import type { Filter, Plugin, Rejection } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";
import type { NodeState, Snapshot } from "./snapshot.ts";

/** What a round found for a pod. */
export type Found =
  | { readonly sort: "node"; readonly node: string }
  | {
      readonly sort: "none";
      /** `0/3 nodes are available: 3 Insufficient cpu.` without what preemption has to add. */
      readonly message: string;
      readonly rejectedBy: ReadonlySet<string>;
      /** Why each node was refused; empty when the pod itself was at fault. */
      readonly rejections: ReadonlyMap<string, Rejection>;
      /** Whether the fault lay with the pod, before any node was looked at. */
      readonly nowhere: boolean;
    };

export interface RoundOptions {
  readonly plugins: readonly Plugin[];
  /** At which node the search begins; moves on from round to round, so that all nodes get their turn. */
  readonly startAt: number;
  /** A number from 0 up to 1, for choosing among equals. */
  readonly random: () => number;
}

/** Looks for the best node for a pod: filters, then scores. Pure but for `random`. */
export function findNode(pod: PodInfo, cluster: Snapshot, options: RoundOptions): Found & { readonly looked: number } {
  const { plugins, startAt, random } = options;
  const nodes = cluster.list;
  if (nodes.length === 0) return { ...nothing("no nodes available to schedule pods"), looked: 0 };

  const filters: { name: string; filter: Extract<Filter, { sort: "nodes" }> }[] = [];
  for (const { name, filter } of plugins.map((plugin) => ({
    name: plugin.name,
    filter: plugin.filter?.(pod, cluster),
  }))) {
    if (filter?.sort === "nowhere") {
      const message = `0/${nodes.length} nodes are available: ${filter.reason}. not found`;
      return { ...nothing(message, new Set([name])), looked: 0 };
    }
    if (filter) filters.push({ name, filter });
  }

  const { fitting, rejections, rejectedBy, looked } = filterNodes(cluster, filters, startAt);
  if (fitting.length > 0) return { sort: "node", node: best(pod, cluster, { fitting, plugins, random }), looked };
  const message = `0/${nodes.length} nodes are available: ${countedReasons(rejections.values())}.`;
  return { sort: "none", message, rejectedBy, rejections, nowhere: false, looked };
}

function nothing(message: string, rejectedBy: ReadonlySet<string> = new Set()): Extract<Found, { sort: "none" }> {
  return { sort: "none", message, rejectedBy, rejections: new Map(), nowhere: true };
}

/** Whether the pod would fit this one node. */
export function fitsNode(pod: PodInfo, cluster: Snapshot, plugins: readonly Plugin[], node: NodeState): boolean {
  return plugins.every((plugin) => {
    const filter = plugin.filter?.(pod, cluster);
    if (!filter) return true;
    return filter.sort === "nodes" && (filter.only?.has(node.name) ?? true) && !filter.rejects(node);
  });
}

/** `1 Insufficient cpu, 2 Too many pods`: in the order of the texts, the counts in front included. */
export function countedReasons(rejections: Iterable<Rejection>): string {
  const counts = new Map<string, number>();
  for (const { reasons } of rejections) for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(", ");
}

function filterNodes(
  cluster: Snapshot,
  filters: readonly { name: string; filter: Extract<Filter, { sort: "nodes" }> }[],
  startAt: number,
) {
  const nodes = cluster.list;
  const restricting = filters.find(({ filter }) => filter.only);
  const only = restricting?.filter.only;
  const enough = only ? nodes.length : howManyAreEnough(nodes.length);
  const fitting: NodeState[] = [];
  const rejections = new Map<string, Rejection>();
  const rejectedBy = new Set<string>();

  if (only && restricting) {
    rejectedBy.add(restricting.name);
    const reasons = [`node(s) didn't satisfy plugin(s) [${restricting.name}]`];
    for (const { name } of nodes) if (!only.has(name)) rejections.set(name, { reasons, curable: false });
  }
  const candidates = only ? [...only].flatMap((name) => cluster.nodes.get(name) ?? []) : nodes;
  let looked = 0;
  for (; looked < candidates.length && fitting.length < enough; looked++) {
    const node = candidates[(startAt + looked) % candidates.length] as NodeState;
    const refused = firstRejection(node, filters);
    if (!refused) fitting.push(node);
    else {
      rejections.set(node.name, refused.rejection);
      rejectedBy.add(refused.name);
    }
  }
  return { fitting, rejections, rejectedBy, looked };
}

function firstRejection(
  node: NodeState,
  filters: readonly { name: string; filter: Extract<Filter, { sort: "nodes" }> }[],
): { name: string; rejection: Rejection } | undefined {
  for (const { name, filter } of filters) {
    const rejection = filter.rejects(node);
    if (rejection) return { name, rejection };
  }
  return undefined;
}

/** In large clusters not every node is looked at: kube-scheduler's share, from half of them down to a twentieth, at least 100. */
function howManyAreEnough(nodes: number): number {
  if (nodes <= 100) return nodes;
  const percent = Math.max(5, 50 - Math.floor(nodes / 125));
  return Math.max(100, Math.floor((nodes * percent) / 100));
}

function best(
  pod: PodInfo,
  cluster: Snapshot,
  { fitting, plugins, random }: { fitting: readonly NodeState[]; plugins: readonly Plugin[]; random: () => number },
): string {
  if (fitting.length === 1) return (fitting[0] as NodeState).name;
  const totals = fitting.map(() => 0);
  for (const { score, weight = 1 } of plugins) {
    const scorer = score?.(pod, cluster, fitting);
    if (!scorer) continue;
    const plain = fitting.map(scorer.score);
    const scores = scorer.normalize?.(plain) ?? plain;
    scores.forEach((value, at) => {
      totals[at] = (totals[at] ?? 0) + weight * value;
    });
  }
  const highest = Math.max(...totals);
  const winners = fitting.filter((_, at) => totals[at] === highest);
  return (winners[Math.floor(random() * winners.length)] as NodeState).name;
}
