import type { PodAffinityTerm, WeightedPodAffinityTerm } from "../../api/schema/types.ts";
import type { Filter, Plugin, Scorer } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import { type NodeState, type Snapshot, termMeans } from "../snapshot.ts";

/** Near some pods, far from others (Kubernetes docs, "Inter-pod affinity and anti-affinity"). */
export const interPodAffinity: Plugin = {
  name: "InterPodAffinity",
  weight: 2,
  filter: filterByAffinity,
  score: scoreByAffinity,
  mayHelp: (_pod, change) => change.of === "node" || change.of === "pod",
};

const affinityTerms = ({ spec }: PodInfo): readonly PodAffinityTerm[] =>
  spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const antiAffinityTerms = ({ spec }: PodInfo): readonly PodAffinityTerm[] =>
  spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const preferredTerms = ({ spec }: PodInfo): readonly WeightedPodAffinityTerm[] =>
  spec.affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
const avoidedTerms = ({ spec }: PodInfo): readonly WeightedPodAffinityTerm[] =>
  spec.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];

function filterByAffinity(pod: PodInfo, cluster: Snapshot): Filter | undefined {
  const [wanted, refused] = [affinityTerms(pod), antiAffinityTerms(pod)];
  const others = placesOfPodsThatRefuse(pod, cluster);
  if (wanted.length === 0 && refused.length === 0 && others.size === 0) return undefined;

  const means = (term: PodAffinityTerm, other: PodInfo): boolean =>
    termMeans({ owner: pod, term, other }, cluster.namespaceLabels);
  const near =
    wanted.length > 0 ? places(cluster, wanted, (other) => wanted.every((term) => means(term, other))) : none;
  const far = new Set(refused.flatMap((term) => [...places(cluster, [term], (other) => means(term, other))]));
  // The first of a group that wants to be together has nobody to be with yet.
  const isFirst = near.size === 0 && wanted.every((term) => means(term, pod));
  const has = (node: NodeState, terms: readonly PodAffinityTerm[]): boolean =>
    terms.every(({ topologyKey }) => topologyKey in node.labels);

  return {
    sort: "nodes",
    rejects(node) {
      const together = has(node, wanted) && (isFirst || wanted.every((term) => near.has(placeOf(node, term))));
      if (wanted.length > 0 && !together)
        return { reasons: ["node(s) didn't match pod affinity rules"], curable: false };
      if (refused.some((term) => far.has(placeOf(node, term))))
        return { reasons: ["node(s) didn't match pod anti-affinity rules"], curable: true };
      for (const [key, value] of Object.entries(node.labels))
        if (others.has(`${key}=${value}`))
          return { reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"], curable: true };
      return undefined;
    },
  };
}

const none: ReadonlySet<string> = new Set();

/** "zone=a": where a node is in the sense of a term; undefined where it has no such label. */
function placeOf(node: NodeState, { topologyKey }: PodAffinityTerm): string {
  return topologyKey in node.labels ? `${topologyKey}=${node.labels[topologyKey]}` : "";
}

/** The places, in the sense of the terms, of all pods that are meant. */
function places(
  cluster: Snapshot,
  terms: readonly PodAffinityTerm[],
  isMeant: (other: PodInfo) => boolean,
): ReadonlySet<string> {
  const found = new Set<string>();
  for (const node of cluster.nodes.values())
    for (const other of node.pods.values())
      if (isMeant(other)) for (const term of terms) found.add(placeOf(node, term));
  found.delete("");
  return found;
}

/** The places where pods are that do not want this one near them. */
function placesOfPodsThatRefuse(pod: PodInfo, cluster: Snapshot): ReadonlySet<string> {
  if (cluster.social.size === 0) return none;
  const found = new Set<string>();
  for (const { pod: owner, node: name } of cluster.social.values()) {
    const node = cluster.nodes.get(name);
    for (const term of node ? antiAffinityTerms(owner) : [])
      if (node && termMeans({ owner, term, other: pod }, cluster.namespaceLabels)) found.add(placeOf(node, term));
  }
  found.delete("");
  return found;
}

/** How much the required affinity of a pod that is there counts for its neighbours. */
const hardWeight = 1;

function scoreByAffinity(pod: PodInfo, cluster: Snapshot): Scorer | undefined {
  const own = preferredTerms(pod).length + avoidedTerms(pod).length > 0;
  if (!own && cluster.social.size === 0) return undefined;
  const points = new Map<string, number>();
  const add = (node: NodeState, term: PodAffinityTerm, weight: number): void => {
    const place = placeOf(node, term);
    if (place) points.set(place, (points.get(place) ?? 0) + weight);
  };
  const weigh = (owner: PodInfo, other: PodInfo, node: NodeState): void => {
    const each = (terms: readonly WeightedPodAffinityTerm[], sign: 1 | -1): void => {
      for (const { podAffinityTerm: term, weight } of terms)
        if (termMeans({ owner, term, other }, cluster.namespaceLabels)) add(node, term, sign * weight);
    };
    each(preferredTerms(owner), 1);
    each(avoidedTerms(owner), -1);
  };
  if (own) for (const node of cluster.nodes.values()) for (const other of node.pods.values()) weigh(pod, other, node);
  for (const { pod: owner, node: name } of cluster.social.values()) {
    const node = cluster.nodes.get(name);
    if (!node) continue;
    weigh(owner, pod, node);
    for (const term of affinityTerms(owner))
      if (termMeans({ owner, term, other: pod }, cluster.namespaceLabels)) add(node, term, hardWeight);
  }
  if (points.size === 0) return undefined;
  return {
    score: ({ labels }) =>
      Object.entries(labels).reduce((sum, [key, value]) => sum + (points.get(`${key}=${value}`) ?? 0), 0),
    normalize(scores) {
      const [min, max] = [Math.min(...scores), Math.max(...scores)];
      return scores.map((score) => (max > min ? Math.floor((100 * (score - min)) / (max - min)) : 0));
    },
  };
}
