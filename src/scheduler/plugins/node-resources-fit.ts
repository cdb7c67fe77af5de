import type { Node } from "../../api/schema/types.ts";
import type { ClusterChange, Plugin, Rejection } from "../plugin.ts";
import { amountsFrom, type PodInfo } from "../pod-info.ts";
import type { NodeState } from "../snapshot.ts";
import { cpuAndMemory, isRelevant, shareOf, type WeighedResource } from "./resource-shares.ts";

export interface FitArguments {
  /** Extended resources that are not looked at, by name and by what stands before the slash. */
  readonly ignoredResources?: readonly string[];
  readonly ignoredResourceGroups?: readonly string[];
  readonly scoringStrategy?: {
    readonly type?: string;
    readonly resources?: readonly WeighedResource[];
    readonly requestedToCapacityRatio?: {
      readonly shape?: readonly { readonly utilization: number; readonly score: number }[];
    };
  };
}

/** How a resource is judged. */
interface Strategy {
  /** From how much of it is used to how good that is, 0 to 100. */
  readonly scoreOf: (used: number, total: number) => number;
  /** Whether a resource that scores nothing counts for nothing, and what is between two scores goes to the nearer one. */
  readonly skipsZeros?: boolean;
}

const leastAllocated: Strategy = {
  scoreOf: (used, total) => (used > total ? 0 : Math.floor(((total - used) * 100) / total)),
};
const mostAllocated: Strategy = { scoreOf: (used, total) => Math.floor((Math.min(used, total) * 100) / total) };

/** What pods ask for must be there; among nodes where it is, by default the emptier one is better. */
export function nodeResourcesFit(settings: FitArguments = {}): Plugin {
  const { scoringStrategy = {} } = settings;
  const { type = "LeastAllocated", resources = cpuAndMemory } = scoringStrategy;
  const strategy = strategyOf(type, scoringStrategy.requestedToCapacityRatio?.shape ?? []);
  const isIgnored = (name: string): boolean =>
    (settings.ignoredResources?.includes(name) ?? false) ||
    (settings.ignoredResourceGroups?.includes(name.split("/")[0] ?? "") ?? false);
  return {
    name: "NodeResourcesFit",
    filter(pod) {
      const wanted = wantedOf(pod, isIgnored);
      return { sort: "nodes", rejects: (node) => lack(wanted, node) };
    },
    score: (pod) => {
      const relevant = resources.filter((resource) => isRelevant(pod, resource));
      return { score: (node) => weighed(pod, node, { resources: relevant, strategy }) };
    },
    mayHelp,
    ownChangeMayHelp: asksForLess,
  };
}

function strategyOf(type: string, shape: readonly { utilization: number; score: number }[]): Strategy {
  if (type === "MostAllocated") return mostAllocated;
  if (type !== "RequestedToCapacityRatio") return leastAllocated;
  return {
    scoreOf: (used, total) => onShape(used > total ? 100 : Math.floor((used * 100) / total), shape),
    skipsZeros: true,
  };
}

/** On the line through the points of the shape, whose scores go from 0 to 10. */
function onShape(utilization: number, shape: readonly { utilization: number; score: number }[]): number {
  const above = shape.findIndex((point) => utilization <= point.utilization);
  const [left, right] = [shape[above - 1], shape[above]];
  if (!right) return (shape.at(-1)?.score ?? 0) * 10;
  if (!left) return right.score * 10;
  const rise = (right.score - left.score) * 10 * (utilization - left.utilization);
  return left.score * 10 + Math.trunc(rise / (right.utilization - left.utilization));
}

/** The order in which lacking resources are named. */
const first = ["cpu", "memory", "ephemeral-storage"];

interface Wanted {
  readonly name: string;
  readonly amount: number;
}

/** What a pod asks for and is looked at, in that order: worked out once, and then asked of many nodes. */
function wantedOf({ requests }: PodInfo, isIgnored: (name: string) => boolean): readonly Wanted[] {
  const names = [...first, ...[...requests.keys()].filter((name) => !first.includes(name))];
  return names
    .map((name) => ({ name, amount: requests.get(name) ?? 0 }))
    .filter(({ name, amount }) => amount > 0 && !(name.includes("/") && isIgnored(name)));
}

function lack(
  wanted: readonly Wanted[],
  { allocatable, requested, pods }: Pick<NodeState, "allocatable" | "requested" | "pods">,
): Rejection | undefined {
  let reasons: string[] | undefined;
  let curable = true;
  if (pods.size + 1 > (allocatable.get("pods") ?? 0)) reasons = ["Too many pods"];
  for (const { name, amount } of wanted) {
    const total = allocatable.get(name) ?? 0;
    if (amount <= total - (requested.get(name) ?? 0)) continue;
    reasons = [...(reasons ?? []), `Insufficient ${name}`];
    if (amount > total) curable = false;
  }
  return reasons && { reasons, curable };
}

function weighed(
  pod: PodInfo,
  node: NodeState,
  { resources, strategy }: { resources: readonly WeighedResource[]; strategy: Strategy },
): number {
  let [sum, weights] = [0, 0];
  for (const { name, weight = 1 } of resources) {
    const { used, total } = shareOf(pod, node, name);
    if (total === 0) continue;
    const score = strategy.scoreOf(used, total);
    if (score === 0 && strategy.skipsZeros) continue;
    sum += weight * score;
    weights += weight;
  }
  if (weights === 0) return 0;
  return strategy.skipsZeros ? Math.round(sum / weights) : Math.floor(sum / weights);
}

function mayHelp(pod: PodInfo, change: ClusterChange): boolean {
  if (change.of === "object") return false;
  if (change.of === "pod")
    return change.before !== undefined && (!change.after || asksForLess(change.before, change.after));
  const { before, after } = change;
  if (!after) return false;
  return wouldFitAlone(pod, after) && (!before || hasMore(pod, before, after));
}

/** Whether the pod has room on the node when nobody else is there. */
function wouldFitAlone(pod: PodInfo, node: Node): boolean {
  const empty = { allocatable: amountsFrom(node.status?.allocatable), requested: new Map(), pods: new Map() };
  return !lack(
    wantedOf(pod, () => true),
    empty,
  );
}

function hasMore(pod: PodInfo, before: Node, after: Node): boolean {
  const [was, is] = [amountsFrom(before.status?.allocatable), amountsFrom(after.status?.allocatable)];
  const wanted = ["pods", ...[...pod.requests].flatMap(([name, amount]) => (amount > 0 ? [name] : []))];
  return wanted.some((name) => (is.get(name) ?? 0) > (was.get(name) ?? 0));
}

function asksForLess(before: PodInfo, after: PodInfo): boolean {
  return [...before.requests].some(([name, amount]) => (after.requests.get(name) ?? 0) < amount);
}
