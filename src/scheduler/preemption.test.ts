import { describe, expect, test } from "vitest";
import { findNode, type NoNode } from "./cycle.ts";
import { type BudgetCheck, findRooms, leastHarmful } from "./preemption.ts";
import { aCluster, aNode, aPodInfo, aProfile, type NodeSeed, type PodSeed } from "./testing/objects.ts";

const profile = aProfile();
const anyBudget: BudgetCheck = () => true;

interface Given {
  nodes?: NodeSeed[];
  placed?: { on: string; pod: PodSeed }[];
  pod?: PodSeed;
  budget?: BudgetCheck;
}

function preempt({ nodes = [{ name: "n1", cpu: "2" }], placed = [], pod = {}, budget = anyBudget }: Given) {
  const info = aPodInfo({ name: "high", cpu: "1", priority: 10, ...pod });
  const cluster = aCluster(nodes.map(aNode), placed);
  const found = findNode(info, cluster, { profile, startAt: 0, random: () => 0 }) as NoNode;
  const before = JSON.stringify(cluster.list.map(({ name, pods }) => [name, [...pods.keys()].sort()]));
  const rooms = findRooms(info, cluster, { profile, found, budgets: () => budget });
  const preemption = rooms.sort === "rooms" ? leastHarmful(rooms.rooms, cluster) : rooms;
  expect(JSON.stringify(cluster.list.map(({ name, pods }) => [name, [...pods.keys()].sort()]))).toBe(before);
  return preemption.sort === "room"
    ? `${preemption.node}: ${preemption.victims.map(({ pod: { metadata } }) => metadata.name).join(" ")}`
    : preemption.reason;
}
const on = (node: string, name: string, priority: number, more: PodSeed = {}) => ({
  on: node,
  pod: { name, priority, cpu: "1", ...more },
});

describe("making room", () => {
  test.each<[name: string, given: Given, outcome: string]>([
    ["takes the least important", { placed: [on("n1", "low", 1), on("n1", "mid", 5)] }, "n1: low"],
    [
      "takes as few as are needed",
      { placed: [on("n1", "a", 1, { cpu: "500m" }), on("n1", "b", 2, { cpu: "500m" }), on("n1", "c", 3)] },
      "n1: b a",
    ],
    [
      "takes the node where the least important suffices",
      {
        nodes: [
          { name: "n1", cpu: "1" },
          { name: "n2", cpu: "1" },
        ],
        placed: [on("n1", "mid", 5), on("n2", "low", 1)],
      },
      "n2: low",
    ],
    [
      "takes the node where no budget is broken",
      {
        nodes: [
          { name: "n1", cpu: "1" },
          { name: "n2", cpu: "1" },
        ],
        placed: [on("n1", "low", 1, { labels: { app: "db" } }), on("n2", "mid", 5)],
        budget: ({ labels }) => labels.app !== "db",
      },
      "n2: mid",
    ],
    [
      "does not touch those as important",
      { nodes: [{ name: "n1", cpu: "1" }], placed: [on("n1", "equal", 10)] },
      "0/1 nodes are available: 1 No preemption victims found for incoming pod.",
    ],
    [
      "does not help where the node is too small anyway",
      { nodes: [{ name: "n1", cpu: "500m" }], placed: [on("n1", "low", 1, { cpu: "100m" })] },
      "0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    ],
    [
      "says what is still lacking when all less important ones were gone",
      { placed: [on("n1", "low", 1, { cpu: "500m" }), on("n1", "equal", 10, { cpu: "1500m" })] },
      "0/1 nodes are available: 1 Insufficient cpu.",
    ],
    [
      "is not done by pods that do not want it",
      { placed: [on("n1", "low", 1), on("n1", "b", 1)], pod: { preemptionPolicy: "Never" } },
      "not eligible due to preemptionPolicy=Never.",
    ],
  ])("%s", (_, given, outcome) => expect(preempt(given)).toBe(outcome));
});
