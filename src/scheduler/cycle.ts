import type { Filter, Rejection } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Profile } from "./profile.ts";
import type { NodeState, Snapshot } from "./snapshot.ts";

/** Why there is no node for a pod. */
export interface NoNode {
  readonly sort: "none";
  /** `0/3 nodes are available: 3 Insufficient cpu.` without what preemption has to add. */
  readonly message: string;
  readonly rejectedBy: ReadonlySet<string>;
  /** Why each node was refused; empty when the pod itself was at fault. */
  readonly rejections: ReadonlyMap<string, Rejection>;
  /** Whether the fault lay with the pod, before any node was looked at. */
  readonly nowhere: boolean;
}

/** What a round found for a pod. */
export type Found = { readonly sort: "node"; readonly node: string } | NoNode;

/** The nodes that a pod may have. `looked` is how many were asked. */
export type Fitting =
  | {
      readonly sort: "nodes";
      readonly nodes: readonly NodeState[];
      readonly rejections: ReadonlyMap<string, Rejection>;
      readonly looked: number;
    }
  | (NoNode & { readonly looked: number });

export interface RoundOptions {
  readonly profile: Profile;
  /** At which node the search begins; moves on from round to round, so that all nodes get their turn. */
  readonly startAt: number;
  /** A number from 0 up to 1, for choosing among equals. */
  readonly random: () => number;
}

interface NamedFilter {
  readonly name: string;
  readonly filter: Extract<Filter, { sort: "nodes" }>;
}

/** Looks for the best node for a pod: filters, then scores. Pure but for `random`. */
export function findNode(pod: PodInfo, cluster: Snapshot, options: RoundOptions): Found & { readonly looked: number } {
  const fitting = fittingNodes(pod, cluster, options);
  if (fitting.sort === "none") return fitting;
  const { profile, random } = options;
  const [only] = fitting.nodes;
  if (fitting.nodes.length === 1 && only) return { sort: "node", node: only.name, looked: fitting.looked };
  const totals = scored(pod, cluster, { nodes: fitting.nodes, profile });
  return { sort: "node", node: bestOf(fitting.nodes, totals, random), looked: fitting.looked };
}

/** The nodes that pass every filter: all, or in large clusters enough of them. */
export function fittingNodes(pod: PodInfo, cluster: Snapshot, { profile, startAt }: RoundOptions): Fitting {
  const nodes = cluster.list;
  if (nodes.length === 0) return { ...nothing("no nodes available to schedule pods"), looked: 0 };

  const filters = filtersFor(pod, cluster, profile);
  if ("reason" in filters) {
    const message = `0/${nodes.length} nodes are available: ${filters.reason}. not found`;
    return { ...nothing(message, new Set([filters.name])), looked: 0 };
  }
  const enough = howManyAreEnough(nodes.length, profile.enoughPercent);
  const { fitting, rejections, rejectedBy, looked } = filterNodes(cluster, filters, { startAt, enough });
  if (fitting.length > 0) return { sort: "nodes", nodes: fitting, rejections, looked };
  return { ...noneOf(nodes.length, rejections, rejectedBy), looked };
}

/** No node fits, for these reasons. */
export function noneOf(
  nodes: number,
  rejections: ReadonlyMap<string, Rejection>,
  rejectedBy: ReadonlySet<string>,
): NoNode {
  const message = `0/${nodes} nodes are available: ${countedReasons(rejections.values())}.`;
  return { sort: "none", message, rejectedBy, rejections, nowhere: false };
}

function nothing(message: string, rejectedBy: ReadonlySet<string> = new Set()): NoNode {
  return { sort: "none", message, rejectedBy, rejections: new Map(), nowhere: true };
}

/** What the plugins have to say of this pod; the first that finds it hopeless ends the search. */
function filtersFor(
  pod: PodInfo,
  cluster: Snapshot,
  { filters }: Profile,
): readonly NamedFilter[] | { readonly name: string; readonly reason: string } {
  const found: NamedFilter[] = [];
  for (const plugin of filters) {
    const filter = plugin.filter?.(pod, cluster);
    if (filter?.sort === "nowhere") return { name: plugin.name, reason: filter.reason };
    if (filter) found.push({ name: plugin.name, filter });
  }
  return found;
}

const hopeless: Rejection = { reasons: [], curable: false };

/** Why the pod would not fit this one node; undefined when it would. */
export function rejectionOf(
  pod: PodInfo,
  cluster: Snapshot,
  { profile, node }: { profile: Profile; node: NodeState },
): Rejection | undefined {
  const filters = filtersFor(pod, cluster, profile);
  if ("reason" in filters) return { ...hopeless, reasons: [filters.reason] };
  if (filters.some(({ filter }) => filter.only && !filter.only.has(node.name))) return hopeless;
  return firstRejection(node, filters)?.rejection;
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
  filters: readonly NamedFilter[],
  { startAt, enough }: { startAt: number; enough: number },
) {
  const nodes = cluster.list;
  const restricting = filters.find(({ filter }) => filter.only);
  const only = restricting?.filter.only;
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
  filters: readonly NamedFilter[],
): { name: string; rejection: Rejection } | undefined {
  for (const { name, filter } of filters) {
    const rejection = filter.rejects(node);
    if (rejection) return { name, rejection };
  }
  return undefined;
}

/** In large clusters not every node is looked at: kube-scheduler's share, from half of them down to a twentieth, at least 100. */
function howManyAreEnough(nodes: number, configuredPercent: number): number {
  if (nodes <= 100) return nodes;
  const percent = configuredPercent || Math.max(5, 50 - Math.floor(nodes / 125));
  return percent >= 100 ? nodes : Math.max(100, Math.floor((nodes * percent) / 100));
}

/** How good each of the nodes is. */
export function scored(
  pod: PodInfo,
  cluster: Snapshot,
  { nodes, profile }: { nodes: readonly NodeState[]; profile: Profile },
): number[] {
  const totals = nodes.map(() => 0);
  for (const { plugin, weight } of profile.scorers) {
    const scorer = plugin.score?.(pod, cluster, nodes);
    if (!scorer) continue;
    const plain = nodes.map(scorer.score);
    const scores = scorer.normalize?.(plain) ?? plain;
    for (let at = 0; at < totals.length; at++) totals[at] = (totals[at] ?? 0) + weight * (scores[at] ?? 0);
  }
  return totals;
}

export function bestOf(nodes: readonly NodeState[], totals: readonly number[], random: () => number): string {
  const highest = Math.max(...totals);
  const winners = nodes.filter((_, at) => totals[at] === highest);
  return (winners[Math.floor(random() * winners.length)] as NodeState).name;
}
