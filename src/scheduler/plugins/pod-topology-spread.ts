import { isTolerated, nodeIsAllowed } from "../../api/node-selection.ts";
import { isLeaving } from "../../api/object.ts";
import type { LabelSelector, TopologySpreadConstraint } from "../../api/schema/types.ts";
import { selects } from "../../api/selector.ts";
import type { ClusterChange, Filter, Plugin, Scorer } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import type { CountByNode, NodeState, Snapshot } from "../snapshot.ts";

export interface SpreadArguments {
  readonly defaultConstraints?: readonly TopologySpreadConstraint[];
  /** "System" (the default): kube-scheduler's own constraints; "List": those given. */
  readonly defaultingType?: string;
}

/** What selects the pods that belong together with this one: its Services and its owner. */
export type GroupSelector = (pod: PodInfo) => LabelSelector | undefined;

/** For pods that say nothing themselves: a little over nodes and zones, by preference. */
const systemConstraints: readonly TopologySpreadConstraint[] = [
  { topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "ScheduleAnyway", maxSkew: 3 },
  { topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway", maxSkew: 5 },
];

/** Evenly over zones, nodes or whatever a label says (Kubernetes docs, "Pod Topology Spread Constraints"). */
export function podTopologySpread(groupOf: GroupSelector, settings: SpreadArguments = {}): Plugin {
  const system = settings.defaultingType !== "List";
  const defaults = system ? systemConstraints : (settings.defaultConstraints ?? []);

  /** The pod's own constraints, or the default ones, selecting the pods of its group. */
  function constraintsOf(pod: PodInfo, sort: string): readonly TopologySpreadConstraint[] {
    const own = pod.spec.topologySpreadConstraints ?? [];
    if (own.length > 0) return own.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === sort);
    const relevant = defaults.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === sort);
    const labelSelector = relevant.length > 0 ? groupOf(pod) : undefined;
    return labelSelector ? relevant.map((constraint) => ({ ...constraint, labelSelector })) : [];
  }

  return {
    name: "PodTopologySpread",
    filter: (pod, cluster) => filterBySpread(pod, cluster, constraintsOf(pod, "DoNotSchedule")),
    score(pod, cluster, candidates) {
      const needsAllKeys = !system || (pod.spec.topologySpreadConstraints ?? []).length > 0;
      return scoreBySpread(pod, cluster, {
        candidates,
        constraints: constraintsOf(pod, "ScheduleAnyway"),
        needsAllKeys,
      });
    },
    ownChangeMayHelp: (before, after) => JSON.stringify(before.labels) !== JSON.stringify(after.labels),
    mayHelp: (pod, change) => mayHelp(pod, change, constraintsOf(pod, "DoNotSchedule")),
  };
}

const missing = {
  reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"],
  curable: false,
};
const uneven = { reasons: ["node(s) didn't match pod topology spread constraints"], curable: true };

function filterBySpread(
  pod: PodInfo,
  cluster: Snapshot,
  hard: readonly TopologySpreadConstraint[],
): Filter | undefined {
  if (hard.length === 0) return undefined;
  const keys = hard.map(({ topologyKey }) => topologyKey);
  const counted = hard.map((constraint) => {
    const counts = countByDomain(pod, constraint, { cluster, nodes: cluster.list, keys });
    const fewest = counts.size < (constraint.minDomains ?? 1) ? 0 : least(counts.values());
    const { topologyKey, maxSkew } = constraint;
    return { topologyKey, maxSkew, counts, fewest, self: Number(isMeant(pod, constraint, pod)) };
  });
  return {
    sort: "nodes",
    rejects(node) {
      for (const { topologyKey, maxSkew, counts, fewest, self } of counted) {
        const domain = node.labels[topologyKey];
        if (domain === undefined) return missing;
        const there = counts.get(domain) ?? 0;
        if (there + self - (Number.isFinite(fewest) ? fewest : 0) > maxSkew) return uneven;
      }
      return undefined;
    },
  };
}

const hostname = "kubernetes.io/hostname";

interface Scoring {
  readonly candidates: readonly NodeState[];
  readonly constraints: readonly TopologySpreadConstraint[];
  /** Whether nodes that lack one of the keys are left out. */
  readonly needsAllKeys: boolean;
}

function scoreBySpread(
  pod: PodInfo,
  cluster: Snapshot,
  { candidates, constraints, needsAllKeys }: Scoring,
): Scorer | undefined {
  if (constraints.length === 0) return undefined;
  const keys = needsAllKeys ? constraints.map(({ topologyKey }) => topologyKey) : [];
  const eligible = candidates.filter((node) => hasAll(node, keys));
  const counted = constraints.map((constraint) => {
    const { topologyKey, maxSkew } = constraint;
    const isByNode = topologyKey === hostname;
    const domains = new Set(isByNode ? [] : eligible.map(({ labels }) => labels[topologyKey] ?? ""));
    // Constraints over few large domains must not drown those over many small ones.
    const weight = Math.log((isByNode ? eligible.length : domains.size) + 2);
    const byNode = meantByNode(pod, constraint, cluster);
    const counts = isByNode ? undefined : countByDomain(pod, constraint, { cluster, nodes: cluster.list, keys });
    const countAt = ({ name, labels }: NodeState): number =>
      (counts ? counts.get(labels[topologyKey] ?? "") : byNode.get(name)) ?? 0;
    return { topologyKey, maxSkew, weight, countAt };
  });
  return {
    score(node) {
      if (!hasAll(node, keys)) return Number.NaN;
      let sum = 0;
      for (const { topologyKey, maxSkew, weight, countAt } of counted)
        if (topologyKey in node.labels) sum += countAt(node) * weight + (maxSkew - 1);
      return Math.round(sum);
    },
    normalize(scores) {
      const known = scores.filter((score) => !Number.isNaN(score));
      const [min, max] = [Math.min(...known), Math.max(...known)];
      return scores.map((score) => {
        if (Number.isNaN(score)) return 0;
        return max === 0 ? 100 : Math.floor((100 * (max + min - score)) / max);
      });
    },
  };
}

const hasAll = ({ labels }: NodeState, keys: readonly string[]): boolean => keys.every((key) => key in labels);

function least(numbers: Iterable<number>): number {
  let min = Number.POSITIVE_INFINITY;
  for (const number of numbers) if (number < min) min = number;
  return min;
}

/** The pods that the constraint means, under a name that is the same for pods that mean the same. */
function meant(pod: PodInfo, constraint: TopologySpreadConstraint) {
  const { labelSelector, matchLabelKeys = [] } = constraint;
  const values = matchLabelKeys.map((key) => pod.labels[key] ?? null);
  return {
    key: `spread ${JSON.stringify([pod.namespace, labelSelector, matchLabelKeys, values])}`,
    counts: (other: PodInfo) => !isLeaving(other.pod) && isMeant(pod, constraint, other),
  };
}

function meantByNode(pod: PodInfo, constraint: TopologySpreadConstraint, cluster: Snapshot): CountByNode {
  const { key, counts } = meant(pod, constraint);
  return cluster.podsByNode(key, counts);
}

interface Domains {
  readonly cluster: Snapshot;
  readonly nodes: readonly NodeState[];
  /** Nodes without all of these labels do not count. */
  readonly keys: readonly string[];
}

/** How many pods each domain has, over the nodes that count for this pod. */
function countByDomain(
  pod: PodInfo,
  constraint: TopologySpreadConstraint,
  { cluster, nodes, keys }: Domains,
): ReadonlyMap<string, number> {
  const { spec } = pod;
  const isChoosy = spec.nodeSelector !== undefined || spec.affinity?.nodeAffinity !== undefined;
  const asksAffinity = isChoosy && constraint.nodeAffinityPolicy !== "Ignore";
  const asksTaints = constraint.nodeTaintsPolicy === "Honor";
  if (!asksAffinity && !asksTaints) {
    const question = { topologyKey: constraint.topologyKey, keys };
    const { key, counts: isCounted } = meant(pod, constraint);
    return cluster.podsByDomain(key, isCounted, question);
  }
  const byNode = meantByNode(pod, constraint, cluster);
  const counts = new Map<string, number>();
  for (const node of nodes) {
    if (!hasAll(node, keys)) continue;
    const domain = node.labels[constraint.topologyKey] ?? "";
    if (asksAffinity && !nodeIsAllowed(pod, node)) continue;
    if (asksTaints && !toleratesAll(pod, node)) continue;
    counts.set(domain, (counts.get(domain) ?? 0) + (byNode.get(node.name) ?? 0));
  }
  return counts;
}

function toleratesAll({ spec }: PodInfo, { node }: NodeState): boolean {
  return (node.spec?.taints ?? []).every(
    (taint) => taint.effect === "PreferNoSchedule" || isTolerated(taint, spec.tolerations),
  );
}

function isMeant(pod: PodInfo, { labelSelector, matchLabelKeys = [] }: TopologySpreadConstraint, other: PodInfo) {
  return (
    other.namespace === pod.namespace &&
    selects(labelSelector, other.labels) &&
    matchLabelKeys.every((key) => !(key in pod.labels) || pod.labels[key] === other.labels[key])
  );
}

function mayHelp(pod: PodInfo, change: ClusterChange, constraints: readonly TopologySpreadConstraint[]): boolean {
  if (change.of === "object") return false;
  if (change.of === "pod") {
    const { before, after } = change;
    const means = (other: PodInfo | undefined, constraint: TopologySpreadConstraint): boolean =>
      other !== undefined && !isLeaving(other.pod) && isMeant(pod, constraint, other);
    return constraints.some((constraint) => means(before, constraint) !== means(after, constraint));
  }
  const { before, after } = change;
  if (!before || !after) return true;
  const honorsTaints = constraints.some(({ nodeTaintsPolicy }) => nodeTaintsPolicy === "Honor");
  return (
    constraints.some(
      ({ topologyKey }) => before.metadata.labels?.[topologyKey] !== after.metadata.labels?.[topologyKey],
    ) ||
    (honorsTaints && JSON.stringify(before.spec.taints) !== JSON.stringify(after.spec.taints))
  );
}
