import { describe, expect, test } from "vitest";
import type { LabelSelector, TopologySpreadConstraint } from "../../api/schema/types.ts";
import { refusalsOf, scoresOf } from "../testing/judge.ts";
import { aCluster, aNode, aPodInfo, type NodeSeed, type PodSeed } from "../testing/objects.ts";
import { podTopologySpread, type SpreadArguments } from "./pod-topology-spread.ts";

const uneven = "node(s) didn't match pod topology spread constraints";
const missing = `${uneven} (missing required label)`;
const web = { labels: { app: "web", version: "2" } };
const zones: NodeSeed[] = [
  { name: "a1", labels: { zone: "a" } },
  { name: "a2", labels: { zone: "a" } },
  { name: "b1", labels: { zone: "b" } },
  { name: "x" },
];
const constraint = (more: Partial<TopologySpreadConstraint> = {}): TopologySpreadConstraint => ({
  topologyKey: "zone",
  maxSkew: 1,
  whenUnsatisfiable: "DoNotSchedule",
  labelSelector: { matchLabels: { app: "web" } },
  ...more,
});
const spread = (...topologySpreadConstraints: TopologySpreadConstraint[]): PodSeed => ({
  ...web,
  topologySpreadConstraints,
});
const on = (...names: string[]) => names.map((name, at) => ({ on: name, pod: { name: `w${at}`, ...web } }));
const plugin = (settings?: SpreadArguments, group?: LabelSelector) => podTopologySpread(() => group, settings);
const tainted: NodeSeed[] = [
  ...zones,
  { name: "c1", labels: { zone: "c" }, taints: [{ key: "t", effect: "NoSchedule" }] },
];

describe("PodTopologySpread", () => {
  test.each<[name: string, pod: PodSeed, nodes: NodeSeed[], placed: string[], refusals: object]>([
    ["the zone that has more", spread(constraint()), zones, ["a1"], { a1: uneven, a2: uneven, x: missing }],
    ["nobody when all have as many", spread(constraint()), zones, ["a1", "b1"], { x: missing }],
    ["nobody within the skew", spread(constraint({ maxSkew: 2 })), zones, ["a1"], { x: missing }],
    [
      "all, when there should be more zones",
      spread(constraint({ minDomains: 3 })),
      zones,
      ["a1", "b1"],
      { a1: uneven, a2: uneven, b1: uneven, x: missing },
    ],
    ["nobody for other versions", spread(constraint({ matchLabelKeys: ["version"] })), zones, [], { x: missing }],
    [
      "a zone only for what its own selector means",
      { ...spread(constraint()), labels: { app: "else" } },
      zones,
      ["a1"],
      { x: missing },
    ],
    [
      "no zone where the pod may not go anyway",
      { ...spread(constraint()), nodeSelector: { zone: "a" } },
      zones,
      ["a1"],
      { x: missing },
    ],
    [
      "a zone for one where it may not go, when that is not looked at",
      { ...spread(constraint({ nodeAffinityPolicy: "Ignore" })), nodeSelector: { zone: "a" } },
      zones,
      ["a1"],
      { a1: uneven, a2: uneven, x: missing },
    ],
    [
      "a zone for one that taints keep it from",
      spread(constraint()),
      tainted,
      ["a1", "b1"],
      { a1: uneven, a2: uneven, b1: uneven, x: missing },
    ],
    [
      "nobody for zones that taints keep it from, when these are looked at",
      spread(constraint({ nodeTaintsPolicy: "Honor" })),
      tainted,
      ["a1", "b1"],
      { x: missing },
    ],
  ])("refuses %s", (_, pod, nodes, placed, refusals) => {
    expect(refusalsOf(plugin(), aPodInfo(pod), aCluster(nodes.map(aNode), on(...placed)))).toEqual(refusals);
  });

  const soft = { whenUnsatisfiable: "ScheduleAnyway" };
  test("prefers zones with fewer, and gives nothing to nodes without one", () => {
    const cluster = aCluster(zones.map(aNode), on("a1", "a2", "a1", "b1"));
    const pod = aPodInfo(spread(constraint(soft)));
    expect(scoresOf(plugin(), pod, cluster)).toEqual({ a1: 25, a2: 25, b1: 100, x: 0 });
  });

  test("spreads the pods of a group a little over nodes and zones when they say nothing themselves", () => {
    const cluster = aCluster(zones.map(aNode), on("a1", "a1", "a1", "a1"));
    const group = { matchLabels: { app: "web" } };
    const scores = scoresOf(plugin({}, group), aPodInfo(web), cluster) ?? {};
    expect(Object.values(scores)[0]).toBeLessThan(Math.min(...Object.values(scores).slice(1)));
    expect(scoresOf(plugin(), aPodInfo(web), cluster)).toBeUndefined();
  });

  test("holds them to the constraints of the configuration instead, where there are such", () => {
    const { labelSelector, ...own } = constraint();
    const settings = { defaultingType: "List", defaultConstraints: [own] };
    const cluster = aCluster(zones.map(aNode), on("a1"));
    expect(refusalsOf(plugin(settings, labelSelector), aPodInfo(web), cluster)).toEqual({
      a1: uneven,
      a2: uneven,
      x: missing,
    });
  });
});
