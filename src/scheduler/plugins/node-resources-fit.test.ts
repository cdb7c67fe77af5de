import { describe, expect, test } from "vitest";
import type { Node } from "../../api/schema/types.ts";
import { refusalsOf, scoresOf } from "../testing/judge.ts";
import { aCluster, aNode, aPodInfo } from "../testing/objects.ts";
import { nodeResourcesBalanced } from "./node-resources-balanced.ts";
import { type FitArguments, nodeResourcesFit } from "./node-resources-fit.ts";

const card = "example.com/card";
function withMore(node: Node, more: Record<string, string>): Node {
  return { ...node, status: { ...node.status, allocatable: { ...node.status?.allocatable, ...more } } };
}
const asking = (requests: Record<string, string>) => aPodInfo({ containers: [{ name: "a", resources: { requests } }] });

describe("NodeResourcesFit", () => {
  const cluster = aCluster([withMore(aNode({ cpu: "2", memory: "4Gi" }), { [card]: "1", "hugepages-2Mi": "4Mi" })]);
  test.each<[name: string, requests: Record<string, string>, settings: FitArguments, lacking: string | undefined]>([
    ["what there is", { cpu: "2", memory: "4Gi", [card]: "1" }, {}, undefined],
    ["nothing of what there is not", { "example.com/else": "0" }, {}, undefined],
    [
      "too much of everything",
      { memory: "5Gi", cpu: "3", "ephemeral-storage": "1" },
      {},
      "Insufficient cpu, Insufficient memory, Insufficient ephemeral-storage",
    ],
    ["too many huge pages", { "hugepages-2Mi": "6Mi" }, {}, "Insufficient hugepages-2Mi"],
    ["what no node has", { "example.com/else": "1" }, {}, "Insufficient example.com/else"],
    ["what is not looked at", { [card]: "9" }, { ignoredResources: [card] }, undefined],
    ["what is not looked at by its group", { [card]: "9" }, { ignoredResourceGroups: ["example.com"] }, undefined],
    ["what can never be left out", { cpu: "3" }, { ignoredResources: ["cpu"] }, "Insufficient cpu"],
  ])("judges a pod that asks for %s", (_, requests, settings, lacking) => {
    const refusals = refusalsOf(nodeResourcesFit(settings), asking(requests), cluster);
    expect(refusals).toEqual(lacking ? { n1: lacking } : {});
  });

  const shape = [
    { utilization: 0, score: 0 },
    { utilization: 50, score: 10 },
    { utilization: 100, score: 3 },
  ];
  const resources = [
    { name: "cpu", weight: 3 },
    { name: "memory", weight: 1 },
  ];
  test.each<[name: string, scoringStrategy: FitArguments["scoringStrategy"], scores: Record<string, number>]>([
    ["the emptier by default", undefined, { n1: 75, n2: 12 }],
    ["the fuller where it is said", { type: "MostAllocated" }, { n1: 25, n2: 87 }],
    ["cpu more than memory", { type: "LeastAllocated", resources }, { n1: 75, n2: 6 }],
    [
      "by the shape of a line",
      { type: "RequestedToCapacityRatio", requestedToCapacityRatio: { shape } },
      { n1: 50, n2: 48 },
    ],
    [
      "resources that score nothing not at all",
      {
        type: "RequestedToCapacityRatio",
        resources,
        requestedToCapacityRatio: {
          shape: [
            { utilization: 0, score: 10 },
            { utilization: 100, score: 0 },
          ],
        },
      },
      { n1: 75, n2: 25 },
    ],
    ["special ones only where they are asked for", { resources: [{ name: "cpu" }, { name: card }] }, { n1: 75, n2: 0 }],
  ])("prefers %s", (_, scoringStrategy, scores) => {
    const nodes = [aNode({ cpu: "4", memory: "4Gi" }), aNode({ name: "n2", cpu: "1", memory: "4Gi" })];
    const two = aCluster(nodes, [{ on: "n2", pod: { name: "a", memory: "2Gi", cpu: "0" } }]);
    const plugin = nodeResourcesFit({ ...(scoringStrategy && { scoringStrategy }) });
    expect(scoresOf(plugin, asking({ cpu: "1", memory: "1Gi" }), two)).toEqual(scores);
  });
});

describe("NodeResourcesBalancedAllocation", () => {
  const nodes = [aNode({ cpu: "4", memory: "4Gi" }), aNode({ name: "n2", cpu: "1", memory: "4Gi" })];
  test("prefers nodes where nothing runs out long before the rest", () => {
    const scores = scoresOf(nodeResourcesBalanced(), asking({ cpu: "1", memory: "1Gi" }), aCluster(nodes));
    expect(scores).toEqual({ n1: 75, n2: 56 });
  });
  test("prefers a node that the pod evens out to one that it makes less even, and both to one that stays lopsided", () => {
    const lopsided = ["n1", "n2", "n3"].map((name) => aNode({ name, cpu: "4", memory: "4Gi" }));
    const cluster = aCluster(lopsided, [
      { on: "n1", pod: { name: "a", cpu: "2", memory: "0" } },
      { on: "n3", pod: { name: "b", cpu: "0", memory: "2Gi" } },
    ]);
    const scores = scoresOf(nodeResourcesBalanced(), asking({ cpu: "1m", memory: "2Gi" }), cluster);
    expect(scores).toEqual({ n1: 87, n2: 62, n3: 62 });
  });
  test("looks at the deviation where there are more than two resources", () => {
    const resources = [{ name: "cpu" }, { name: "memory" }, { name: card }];
    const cluster = aCluster(nodes.map((node) => withMore(node, { [card]: "4" })));
    const scores = scoresOf(
      nodeResourcesBalanced({ resources }),
      asking({ cpu: "1", memory: "1Gi", [card]: "1" }),
      cluster,
    );
    expect(scores).toEqual({ n1: 75, n2: 57 });
  });
  test("has no opinion on pods that ask for nothing", () => {
    expect(scoresOf(nodeResourcesBalanced(), asking({}), aCluster(nodes))).toBeUndefined();
  });
});
