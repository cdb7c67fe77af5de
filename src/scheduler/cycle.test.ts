import { describe, expect, test } from "vitest";
import { findNode } from "./cycle.ts";
import { aCluster, aNode, aPodInfo, aProfile, type NodeSeed, type PodSeed } from "./testing/objects.ts";

const options = { profile: aProfile(), startAt: 0, random: () => 0 };
const selector = (app: string) => ({ labelSelector: { matchLabels: { app } }, topologyKey: "kubernetes.io/hostname" });

interface Given {
  nodes?: NodeSeed[];
  placed?: { on: string; pod: PodSeed }[];
  pod?: PodSeed;
}
const find = ({ nodes = [{ name: "n1" }, { name: "n2" }], placed = [], pod = {} }: Given) =>
  findNode(aPodInfo(pod), aCluster(nodes.map(aNode), placed), options);

describe("a round of the scheduler", () => {
  test.each<[name: string, given: Given, node: string]>([
    ["takes the emptier node", { placed: [{ on: "n1", pod: { name: "a", cpu: "2" } }] }, "n2"],
    [
      "counts pods that ask for nothing as if they asked for a little",
      { placed: [{ on: "n1", pod: { name: "a" } }] },
      "n2",
    ],
    [
      "keeps to the node selector",
      { nodes: [{}, { name: "n2", labels: { disk: "ssd" } }], pod: { nodeSelector: { disk: "ssd" } } },
      "n2",
    ],
    [
      "prefers what is preferred",
      {
        nodes: [{ name: "n1" }, { name: "n2", labels: { zone: "b" } }],
        pod: {
          affinity: {
            nodeAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                { weight: 1, preference: { matchExpressions: [{ key: "zone", operator: "In", values: ["b"] }] } },
              ],
            },
          },
        },
      },
      "n2",
    ],
    [
      "avoids a taint of the soft kind",
      { nodes: [{ taints: [{ key: "a", effect: "PreferNoSchedule" }] }, { name: "n2" }] },
      "n2",
    ],
    [
      "goes where a taint is tolerated",
      { nodes: [{ taints: [{ key: "a", effect: "NoSchedule" }] }], pod: { tolerations: [{ operator: "Exists" }] } },
      "n1",
    ],
    [
      "goes where its friends are",
      {
        placed: [{ on: "n2", pod: { name: "db", labels: { app: "db" } } }],
        pod: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [selector("db")] } } },
      },
      "n2",
    ],
    [
      "is the first of a group that wants to be together",
      {
        pod: {
          labels: { app: "db" },
          affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [selector("db")] } },
        },
      },
      "n1",
    ],
    [
      "spreads",
      {
        placed: [{ on: "n1", pod: { name: "a", labels: { app: "web" } } }],
        pod: {
          labels: { app: "web" },
          topologySpreadConstraints: [{ maxSkew: 1, whenUnsatisfiable: "DoNotSchedule", ...selector("web") }],
        },
      },
      "n2",
    ],
  ])("%s", (_, given, node) => {
    expect(find(given)).toMatchObject({ sort: "node", node });
  });

  const byName = (name: string) => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [name] }] }],
        },
      },
    },
  });
  test.each<[name: string, given: Given, message: string]>([
    ["without nodes", { nodes: [] }, "no nodes available to schedule pods"],
    [
      "too large",
      { pod: { cpu: "5", memory: "9Gi" } },
      "0/2 nodes are available: 2 Insufficient cpu, 2 Insufficient memory.",
    ],
    ["too many", { nodes: [{ pods: "0" }] }, "0/1 nodes are available: 1 Too many pods."],
    ["cordoned", { nodes: [{ unschedulable: true }] }, "0/1 nodes are available: 1 node(s) were unschedulable."],
    [
      "for different reasons, counted in the order of the texts",
      { nodes: [{ cpu: "1" }, { name: "n2", taints: [{ key: "a", effect: "NoSchedule" }] }], pod: { cpu: "2" } },
      "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s).",
    ],
    [
      "with a port that is taken",
      { nodes: [{}], placed: [{ on: "n1", pod: { name: "a", hostPort: 80 } }], pod: { hostPort: 80 } },
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
    ],
    [
      "pinned to a full node",
      { nodes: [{ cpu: "1" }, { name: "n2" }, { name: "n3" }], pod: { cpu: "2", ...byName("n1") } },
      "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    ],
    [
      "with a claim that is not there",
      { pod: { volumes: [{ name: "data", persistentVolumeClaim: { claimName: "none" } }] } },
      '0/2 nodes are available: persistentvolumeclaim "none" not found. not found',
    ],
    [
      "next to pods it cannot stand",
      {
        nodes: [{}],
        placed: [{ on: "n1", pod: { name: "a", labels: { app: "a" } } }],
        pod: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [selector("a")] } } },
      },
      "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
    ],
    [
      "next to pods that cannot stand it",
      {
        nodes: [{}],
        placed: [
          {
            on: "n1",
            pod: {
              name: "a",
              affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [selector("a")] } },
            },
          },
        ],
        pod: { labels: { app: "a" } },
      },
      "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
    ],
  ])("finds no node for a pod %s and says why", (_, given, message) => {
    expect(find(given)).toMatchObject({ sort: "none", message });
  });
});
