import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DaemonSet, Node, Pod, RollingUpdateDaemonSet, Taint } from "../../api/schema/types.ts";
import { decide, type Observed } from "./decide.ts";
import { daemonTolerations } from "./nodes.ts";

function aDaemonSet(rollingUpdate: RollingUpdateDaemonSet = { maxUnavailable: 1, maxSurge: 0 }): DaemonSet {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "agent", namespace: "default", uid: "d", generation: 1 },
    spec: {
      selector: { matchLabels: { app: "agent" } },
      template: { metadata: { name: "", labels: { app: "agent" } }, spec: { containers: [] } },
      updateStrategy: { type: "RollingUpdate", rollingUpdate },
    },
  };
}

const aNode = (name: string, { taints = [] as Taint[], labels = {} } = {}): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels },
  spec: { taints },
});

let serial = 0;
function aPod(on: string, { hash = "new", ready = true, phase = "Running", leaving = false } = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `agent-${String(serial++).padStart(9, "0")}`,
      labels: { "controller-revision-hash": hash },
      ...(leaving && { deletionTimestamp: "2026-01-01T00:00:00Z" }),
    },
    spec: { nodeName: on, containers: [] },
    status: { phase, conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  };
}

const next = (observed: Partial<Observed> & Pick<Observed, "nodes">) =>
  decide({ daemonSet: aDaemonSet(), pods: [], hash: "new", waitMs: () => 0, now: 0, ...observed });

describe("daemonset decide()", () => {
  test.each<{ it: string; taints?: Taint[]; pods?: Pod[]; create: number; remove: number; ended?: number }>([
    { it: "makes a pod where there is none", create: 1, remove: 0 },
    { it: "leaves a node alone that has its pod", pods: [aPod("n1")], create: 0, remove: 0 },
    { it: "waits for a pod that is leaving", pods: [aPod("n1", { leaving: true })], create: 0, remove: 0 },
    { it: "removes a second pod", pods: [aPod("n1"), aPod("n1")], create: 0, remove: 1 },
    { it: "clears away a failed pod", pods: [aPod("n1", { phase: "Failed" })], create: 0, remove: 0, ended: 1 },
    { it: "avoids a tainted node", taints: [{ key: "x", effect: "NoSchedule" }], create: 0, remove: 0 },
    {
      it: "leaves its pod on a node that was tainted later",
      taints: [{ key: "x", effect: "NoSchedule" }],
      pods: [aPod("n1")],
      create: 0,
      remove: 0,
    },
    {
      it: "takes its pod from a node with a NoExecute taint",
      taints: [{ key: "x", effect: "NoExecute" }],
      pods: [aPod("n1")],
      create: 0,
      remove: 1,
    },
    {
      it: "goes to a node that is not ready",
      taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoExecute" }],
      create: 1,
      remove: 0,
    },
  ])("$it", ({ taints = [], pods = [], create, remove, ended = 0 }) => {
    const decision = next({ nodes: [aNode("n1", { taints })], pods });
    expect([decision.create.length, decision.remove.length, decision.ended.length]).toEqual([create, remove, ended]);
  });

  test("goes only to the nodes that its selector names", () => {
    const daemonSet = aDaemonSet();
    daemonSet.spec.template.spec = { containers: [], nodeSelector: { disk: "ssd" } };
    const nodes = [aNode("n1"), aNode("n2", { labels: { disk: "ssd" } })];
    expect(next({ daemonSet, nodes }).create).toEqual(["n2"]);
  });

  test("is updated whatever nodes there are on which it does not run", () => {
    const old = aPod("n1", { hash: "old" });
    const nodes = [aNode("n1"), aNode("n2", { taints: [{ key: "x", effect: "NoSchedule" }] })];
    expect(next({ nodes, pods: [old] }).remove).toEqual([old]);
  });

  test.each([
    ["not while they are needed", { pods: [aPod("n1"), aPod("n2", { hash: "old" })] }, 0],
    ["when they serve nobody", { pods: [aPod("n1"), aPod("n2", { hash: "old", ready: false })] }, 1],
    [
      "when enough pods serve elsewhere",
      { pods: [aPod("n1"), aPod("n2", { hash: "old" }), aPod("n3", { hash: "old" })] },
      1,
    ],
  ])("when surging, clears nodes where nothing should run any more: %s", (_, { pods }, removed) => {
    const taints: Taint[] = [{ key: "x", effect: "NoSchedule" }];
    const nodes = [aNode("n1"), ...["n2", "n3"].map((name) => aNode(name, { taints })), aNode("n4")];
    const daemonSet = aDaemonSet({ maxUnavailable: 0, maxSurge: 1 });
    const { create, remove } = next({ daemonSet, nodes, pods: [...pods, aPod("n4", { ready: false })] });
    expect([create, remove.length]).toEqual([[], removed]);
  });

  test("goes on with an update while a failed pod waits to be replaced", () => {
    const failed = aPod("n1", { phase: "Failed", ready: false });
    const old = aPod("n2", { hash: "old" });
    const daemonSet = aDaemonSet({ maxUnavailable: 2, maxSurge: 0 });
    const decision = next({ daemonSet, nodes: [aNode("n1"), aNode("n2")], pods: [failed, old], waitMs: () => 500 });
    expect(decision).toMatchObject({ ended: [], remove: [old], againMs: 500 });
  });

  test("does not count a pod that is meant for a node which is no more", () => {
    const lost = aPod("n9");
    delete lost.spec.nodeName;
    lost.spec.affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n9"] }] }],
        },
      },
    };
    expect(next({ nodes: [], pods: [lost] })).toMatchObject({ remove: [lost], status: { numberMisscheduled: 0 } });
  });

  test("bears what daemons bear, each once, where its template says it", () => {
    const own = { key: "own", operator: "Exists" };
    const pressure = { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" };
    const tolerations = daemonTolerations({ containers: [], tolerations: [pressure, own] });
    expect(tolerations.slice(0, 3)).toEqual([
      pressure,
      own,
      { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
    ]);
    expect(tolerations).toHaveLength(7);
  });

  test("removes an old pod that serves nobody before one that does", () => {
    const idle = aPod("n2", { hash: "old", ready: false });
    const pods = [aPod("n1", { hash: "old" }), idle, aPod("n3", { hash: "old" })];
    expect(next({ nodes: ["n1", "n2", "n3"].map((name) => aNode(name)), pods }).remove).toEqual([idle]);
  });

  test("brings every node to the new template without going below its limits", () => {
    const limits = fc.oneof(
      fc.record({ maxUnavailable: fc.integer({ min: 1, max: 4 }), maxSurge: fc.constant(0) }),
      fc.record({ maxUnavailable: fc.constant(0), maxSurge: fc.integer({ min: 1, max: 4 }) }),
    );
    fc.assert(
      fc.property(limits, fc.integer({ min: 1, max: 8 }), (rollingUpdate, count) => {
        const nodes = Array.from({ length: count }, (_, i) => aNode(`n${i}`));
        let pods = nodes.map(({ metadata }) => aPod(metadata.name, { hash: "old" }));
        for (let round = 0; round < 6 * count; round++) {
          const { create, remove } = next({ daemonSet: aDaemonSet(rollingUpdate), nodes, pods });
          pods = pods.filter((pod) => !remove.includes(pod));
          const serving = new Set(pods.filter(({ status }) => status?.conditions?.[0]?.status === "True"));
          const served = new Set([...serving].map(({ spec }) => spec.nodeName));
          expect(served.size).toBeGreaterThanOrEqual(count - rollingUpdate.maxUnavailable);
          expect(pods.length + create.length).toBeLessThanOrEqual(count + rollingUpdate.maxSurge);
          pods = [
            ...pods.map((pod) => aPod(pod.spec.nodeName ?? "", { hash: hashOf(pod) })),
            ...create.map((name) => aPod(name, { ready: false })),
          ];
        }
        expect(pods.map(hashOf)).toEqual(nodes.map(() => "new"));
      }),
    );
  });
});

const hashOf = ({ metadata }: Pod): string => metadata.labels?.["controller-revision-hash"] ?? "";
