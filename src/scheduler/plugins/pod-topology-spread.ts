import { isTolerated, nodeIsAllowed } from "../../api/node-selection.ts";
import { isLeaving } from "../../api/object.ts";
import type { TopologySpreadConstraint } from "../../api/schema/types.ts";
import { selects } from "../../api/selector.ts";
import type { Filter, Plugin, Scorer } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import type { NodeState, Snapshot } from "../snapshot.ts";

/** Evenly over zones, nodes or whatever a label says (Kubernetes docs, "Pod Topology Spread Constraints"). */
export const podTopologySpread: Plugin = {
  name: "PodTopologySpread",
  weight: 2,
  filter: filterBySpread,
  score: scoreBySpread,
  mayHelp: (_pod, change) => change.of === "node" || change.of === "pod",
};

const missing = {
  reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"],
  curable: false,
};
const uneven = { reasons: ["node(s) didn't match pod topology spread constraints"], curable: true };

function filterBySpread(pod: PodInfo, cluster: Snapshot): Filter | undefined {
  const hard = (pod.spec.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === "DoNotSchedule",
  );
  if (hard.length === 0) return undefined;
  const keys = hard.map(({ topologyKey }) => topologyKey);
  const counted = hard.map((constraint) => {
    const counts = countByDomain(
      pod,
      constraint,
      cluster.list.filter((node) => hasAll(node, keys)),
    );
    const fewest = counts.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts.values());
    return { constraint, counts, fewest, self: Number(isMeant(pod, constraint, pod)) };
  });
  return {
    sort: "nodes",
    rejects(node) {
      for (const { constraint, counts, fewest, self } of counted) {
        const domain = node.labels[constraint.topologyKey];
        if (domain === undefined) return missing;
        const there = counts.get(domain) ?? 0;
        if (there + self - (Number.isFinite(fewest) ? fewest : 0) > constraint.maxSkew) return uneven;
      }
      return undefined;
    },
  };
}

function scoreBySpread(pod: PodInfo, _cluster: Snapshot, candidates: readonly NodeState[]): Scorer | undefined {
  const soft = (pod.spec.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === "ScheduleAnyway",
  );
  if (soft.length === 0) return undefined;
  const keys = soft.map(({ topologyKey }) => topologyKey);
  const counted = soft.map((constraint) => {
    const counts = countByDomain(
      pod,
      constraint,
      candidates.filter((node) => hasAll(node, keys)),
    );
    // Constraints over few large domains must not drown those over many small ones.
    return { constraint, counts, weight: Math.log(counts.size + 2) };
  });
  return {
    score: (node) =>
      hasAll(node, keys)
        ? Math.round(
            counted.reduce(
              (sum, { constraint, counts, weight }) =>
                sum + (counts.get(node.labels[constraint.topologyKey] ?? "") ?? 0) * weight + (constraint.maxSkew - 1),
              0,
            ),
          )
        : Number.NaN,
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

const hasAll = (node: NodeState, keys: readonly string[]): boolean => keys.every((key) => key in node.labels);

/** How many pods each domain has, over the nodes that count for this pod. */
function countByDomain(
  pod: PodInfo,
  constraint: TopologySpreadConstraint,
  nodes: readonly NodeState[],
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    if (constraint.nodeAffinityPolicy !== "Ignore" && !nodeIsAllowed(pod, node)) continue;
    if (constraint.nodeTaintsPolicy === "Honor" && !toleratesAll(pod, node)) continue;
    const domain = node.labels[constraint.topologyKey] ?? "";
    let count = counts.get(domain) ?? 0;
    for (const other of node.pods.values()) if (!isLeaving(other.pod) && isMeant(pod, constraint, other)) count++;
    counts.set(domain, count);
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
