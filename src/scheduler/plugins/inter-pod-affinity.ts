import type { ClusterChange, Filter, Plugin, Scorer } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import type { CountByNode, NodeState, Snapshot } from "../snapshot.ts";
import { type SocialTerm, termMeans } from "../social-terms.ts";

export interface InterPodAffinityArguments {
  /** How much the required affinity of a pod that is there counts for its neighbours. */
  readonly hardPodAffinityWeight?: number;
  readonly ignorePreferredTermsOfExistingPods?: boolean;
}

/** Near some pods, far from others (Kubernetes docs, "Inter-pod affinity and anti-affinity"). */
export function interPodAffinity(settings: InterPodAffinityArguments = {}): Plugin {
  return {
    name: "InterPodAffinity",
    filter: filterByAffinity,
    score: (pod, cluster) => scoreByAffinity(pod, cluster, settings),
    ownChangeMayHelp: (before, after) => JSON.stringify(before.labels) !== JSON.stringify(after.labels),
    mayHelp,
  };
}

const near = { reasons: ["node(s) didn't match pod affinity rules"], curable: false };
const far = { reasons: ["node(s) didn't match pod anti-affinity rules"], curable: true };
const unwelcome = { reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"], curable: true };

/** Values by topology key: "zone" → { "a" → … }. */
type Places<T> = Map<string, Map<string, T>>;

function filterByAffinity(pod: PodInfo, cluster: Snapshot): Filter | undefined {
  const wanted = pod.socialTerms.filter(({ feeling }) => feeling === "needs");
  const refused = pod.socialTerms.filter(({ feeling }) => feeling === "refuses");
  const others = placesOfPodsThatRefuse(pod, cluster);
  if (wanted.length === 0 && refused.length === 0 && others.size === 0) return undefined;

  const means = (term: SocialTerm, other: PodInfo): boolean => termMeans(term, other, cluster.namespaceLabels);
  const meansAll = (other: PodInfo): boolean => wanted.every((term) => means(term, other));
  const company =
    wanted.length > 0 ? cluster.podsByNode(`all ${wanted.map(({ key }) => key).join()}`, meansAll) : nobody;
  const friends: Places<number> = new Map();
  for (const term of wanted) addPlaces(friends, cluster, term, company);
  const enemies: Places<number> = new Map();
  for (const term of refused)
    addPlaces(
      enemies,
      cluster,
      term,
      cluster.podsByNode(term.key, (other) => means(term, other)),
    );
  // The first of a group that wants to be together has nobody to be with yet.
  const isFirst = friends.size === 0 && wanted.every((term) => means(term, pod));

  return {
    sort: "nodes",
    rejects({ labels }) {
      const together = wanted.every(({ term: { topologyKey } }) => {
        const place = labels[topologyKey];
        return place !== undefined && (isFirst || friends.get(topologyKey)?.has(place));
      });
      if (!together) return near;
      if (isAmong(enemies, labels)) return far;
      return isAmong(others, labels) ? unwelcome : undefined;
    },
  };
}

const nobody: CountByNode = new Map();

function isAmong(places: Places<number>, labels: Readonly<Record<string, string>>): boolean {
  for (const [key, values] of places) {
    const value = labels[key];
    if (value !== undefined && values.has(value)) return true;
  }
  return false;
}

function addPlaces(
  places: Places<number>,
  cluster: Snapshot,
  { term: { topologyKey } }: SocialTerm,
  byNode: CountByNode,
  weight = 1,
): void {
  for (const [name, count] of byNode) {
    const place = cluster.nodes.get(name)?.labels[topologyKey];
    if (place === undefined) continue;
    let values = places.get(topologyKey);
    if (!values) {
      values = new Map();
      places.set(topologyKey, values);
    }
    values.set(place, (values.get(place) ?? 0) + weight * count);
  }
}

/** The places where pods are that do not want this one near them. */
function placesOfPodsThatRefuse(pod: PodInfo, cluster: Snapshot): Places<number> {
  const found: Places<number> = new Map();
  for (const { term, byNode } of cluster.wishes.values())
    if (term.feeling === "refuses" && termMeans(term, pod, cluster.namespaceLabels))
      addPlaces(found, cluster, term, byNode);
  return found;
}

function scoreByAffinity(
  pod: PodInfo,
  cluster: Snapshot,
  { hardPodAffinityWeight = 1, ignorePreferredTermsOfExistingPods = false }: InterPodAffinityArguments,
): Scorer | undefined {
  const points: Places<number> = new Map();
  let own = false;
  for (const term of pod.socialTerms) {
    const weight = preference(term);
    if (weight === 0) continue;
    own = true;
    const meant = cluster.podsByNode(term.key, (other) => termMeans(term, other, cluster.namespaceLabels));
    addPlaces(points, cluster, term, meant, weight);
  }
  if (ignorePreferredTermsOfExistingPods && !own) return undefined;
  for (const { term, byNode } of cluster.wishes.values()) {
    const weight = term.feeling === "needs" ? hardPodAffinityWeight : preference(term);
    if (weight !== 0 && termMeans(term, pod, cluster.namespaceLabels)) addPlaces(points, cluster, term, byNode, weight);
  }
  if (points.size === 0) return undefined;
  return { score: ({ labels }: NodeState) => sumAt(points, labels), normalize: betweenLeastAndMost };
}

function preference({ feeling, weight }: SocialTerm): number {
  if (feeling === "likes") return weight;
  return feeling === "dislikes" ? -weight : 0;
}

function sumAt(points: Places<number>, labels: Readonly<Record<string, string>>): number {
  let sum = 0;
  for (const [key, values] of points) sum += values.get(labels[key] ?? "") ?? 0;
  return sum;
}

function betweenLeastAndMost(scores: readonly number[]): readonly number[] {
  const [min, max] = [Math.min(...scores), Math.max(...scores)];
  return scores.map((score) => (max > min ? Math.floor((100 * (score - min)) / (max - min)) : 0));
}

function mayHelp(pod: PodInfo, change: ClusterChange): boolean {
  if (change.of === "object") return false;
  if (change.of === "node") return nodeMayHelp(pod, change);
  // Terms that select by the labels of namespaces are taken to mean any of them here.
  const means = (term: SocialTerm, other: PodInfo | undefined): boolean =>
    other !== undefined && termMeans(term, other, () => term.term.namespaceSelector?.matchLabels ?? {});
  const { before, after } = change;
  const friendCame = pod.socialTerms.some(
    (term) => term.feeling === "needs" && means(term, after) && !means(term, before),
  );
  const enemyWent = pod.socialTerms.some(
    (term) => term.feeling === "refuses" && means(term, before) && !means(term, after),
  );
  const guardWent =
    before?.socialTerms.some((term) => term.feeling === "refuses" && means(term, pod)) && after === undefined;
  return friendCame || enemyWent || Boolean(guardWent);
}

function nodeMayHelp(pod: PodInfo, { before, after }: Extract<ClusterChange, { of: "node" }>): boolean {
  if (!after) return false;
  if (!before) return true;
  const keys = pod.socialTerms.map(({ term }) => term.topologyKey);
  const moved = (key: string): boolean => before.metadata.labels?.[key] !== after.metadata.labels?.[key];
  return keys.length === 0
    ? JSON.stringify(before.metadata.labels) !== JSON.stringify(after.metadata.labels)
    : keys.some(moved);
}
