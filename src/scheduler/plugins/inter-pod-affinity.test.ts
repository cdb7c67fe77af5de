import { describe, expect, test } from "vitest";
import type { Affinity, PodAffinityTerm } from "../../api/schema/types.ts";
import { Snapshot } from "../snapshot.ts";
import { refusalsOf, scoresOf } from "../testing/judge.ts";
import { aNode, aPodInfo, type PodSeed } from "../testing/objects.ts";
import { type InterPodAffinityArguments, interPodAffinity } from "./inter-pod-affinity.ts";

const near = "node(s) didn't match pod affinity rules";
const far = "node(s) didn't match pod anti-affinity rules";
const unwelcome = "node(s) didn't satisfy existing pods anti-affinity rules";

/** Two zones: n1 and n2 in "a", n3 in "b", n4 in none. The namespace "dev" has the label team=x. */
function aCluster(...placed: [on: string, pod: PodSeed][]): Snapshot {
  const cluster = new Snapshot((namespace) => (namespace === "dev" ? { team: "x" } : {}));
  for (const [name, zone] of [
    ["n1", "a"],
    ["n2", "a"],
    ["n3", "b"],
    ["n4", undefined],
  ] as const)
    cluster.setNode(aNode({ name, labels: zone ? { zone } : {} }));
  for (const [on, pod] of placed) cluster.place(aPodInfo(pod), on);
  return cluster;
}
const db: PodSeed = { name: "db", labels: { app: "db", version: "1" } };
const term = (more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey: "zone",
  labelSelector: { matchLabels: { app: "db" } },
  ...more,
});
const needs = (...terms: PodAffinityTerm[]): { affinity: Affinity } => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const refuses = (...terms: PodAffinityTerm[]): { affinity: Affinity } => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const judge = (pod: PodSeed, cluster: Snapshot) => refusalsOf(interPodAffinity(), aPodInfo(pod), cluster);

describe("InterPodAffinity", () => {
  test.each<[name: string, pod: PodSeed, placed: [string, PodSeed][], refusals: object]>([
    ["near others: in their zone only", needs(term()), [["n1", db]], { n3: near, n4: near }],
    ["near nobody", needs(term()), [], { n1: near, n2: near, n3: near, n4: near }],
    [
      "near its own kind, and it is the first: wherever there is a zone",
      { labels: { app: "db" }, ...needs(term()) },
      [],
      { n4: near },
    ],
    [
      "near two kinds at once",
      needs(term(), term({ topologyKey: "kubernetes.io/hostname" })),
      [["n1", db]],
      { n2: near, n3: near, n4: near },
    ],
    ["far from others", refuses(term()), [["n1", db]], { n1: far, n2: far }],
    [
      "where others do not want it",
      { labels: { app: "db" } },
      [["n3", { name: "shy", ...refuses(term()) }]],
      { n3: unwelcome },
    ],
    [
      "near pods of its own namespace only",
      needs(term()),
      [["n1", { ...db, namespace: "dev" }]],
      { n1: near, n2: near, n3: near, n4: near },
    ],
    [
      "near pods of a namespace that it names",
      needs(term({ namespaces: ["dev"] })),
      [["n1", { ...db, namespace: "dev" }]],
      { n3: near, n4: near },
    ],
    [
      "near pods of namespaces that it selects",
      needs(term({ namespaceSelector: { matchLabels: { team: "x" } } })),
      [["n3", { ...db, namespace: "dev" }]],
      { n1: near, n2: near, n4: near },
    ],
    [
      "near pods of any namespace",
      needs(term({ namespaceSelector: {} })),
      [["n3", { ...db, namespace: "else" }]],
      { n1: near, n2: near, n4: near },
    ],
    [
      "far from its own version only",
      { labels: { app: "db", version: "2" }, ...refuses(term({ matchLabelKeys: ["version"] })) },
      [["n1", db]],
      {},
    ],
    [
      "far from other versions",
      { labels: { app: "db", version: "2" }, ...refuses(term({ mismatchLabelKeys: ["version"] })) },
      [["n1", db]],
      { n1: far, n2: far },
    ],
  ])("places a pod %s", (_, pod, placed, refusals) => {
    expect(judge(pod, aCluster(...placed))).toEqual(refusals);
  });

  const likes = (weight: number): { affinity: Affinity } => ({
    affinity: {
      podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: term() }] },
    },
  });
  const dislikes = (weight: number): { affinity: Affinity } => ({
    affinity: {
      podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: term() }] },
    },
  });
  test.each<
    [
      name: string,
      settings: InterPodAffinityArguments,
      pod: PodSeed,
      placed: [string, PodSeed][],
      scores: object | undefined,
    ]
  >([
    ["what the pod likes", {}, likes(10), [["n1", db]], { n1: 100, n2: 100, n3: 0, n4: 0 }],
    ["what it dislikes", {}, dislikes(10), [["n1", db]], { n1: 0, n2: 0, n3: 100, n4: 100 }],
    ["what others like about it", {}, db, [["n3", { name: "fan", ...likes(5) }]], { n1: 0, n2: 0, n3: 100, n4: 0 }],
    ["who needs it", {}, db, [["n3", { name: "fan", ...needs(term()) }]], { n1: 0, n2: 0, n3: 100, n4: 0 }],
    [
      "nobody's need where that counts for nothing",
      { hardPodAffinityWeight: 0 },
      db,
      [["n3", { name: "fan", ...needs(term()) }]],
      undefined,
    ],
    [
      "nothing of others where these are to be ignored and the pod has no wishes",
      { ignorePreferredTermsOfExistingPods: true },
      db,
      [["n3", { name: "fan", ...likes(5) }]],
      undefined,
    ],
  ])("scores by %s", (_, settings, pod, placed, scores) => {
    expect(scoresOf(interPodAffinity(settings), aPodInfo(pod), aCluster(...placed))).toEqual(scores);
  });
});
