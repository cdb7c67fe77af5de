import { describe, expect, test } from "vitest";
import type { Node, Pod } from "../../api/schema/types.ts";
import { decide, type Observed, surplus } from "./decide.ts";

const now = Date.UTC(2026, 0, 1);
const aPod = ({ name = "p", nodeName = "n1", phase = "Running", leaving = false, age = 0, reason = "" } = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    uid: name,
    generation: 1,
    creationTimestamp: new Date(now - age * 1000).toISOString(),
    ...(leaving && { deletionTimestamp: "2026-01-01T00:00:00Z" }),
  },
  spec: { containers: [], ...(nodeName && { nodeName }) },
  status: { phase, ...(reason && { reason }) },
});
const aNode = (ready: boolean, taint?: string): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "n1" },
  spec: { taints: taint ? [{ key: taint, effect: "NoExecute" }] : [] },
  status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
});
const quiet: Observed = { pod: aPod(), node: aNode(true), missingForMs: 0, isSurplus: false, now };
const outOfService = "node.kubernetes.io/out-of-service";
const lost = { node: undefined, missingForMs: 40_000 };

describe("pod-gc decide()", () => {
  test.each<[what: string, given: Partial<Observed>, then: object | undefined]>([
    ["a pod of a living node is the node's to delete", { pod: aPod({ leaving: true }) }, undefined],
    ["a node that is missing may come back", { node: undefined, missingForMs: 10_000 }, { againMs: 30_000 }],
    ["pods of a lost node fail, and go", lost, { delete: true, failed: { phase: "Failed", conditions: [{}] } }],
    ["pods that have ended stay as they ended", { ...lost, pod: aPod({ phase: "Succeeded" }) }, { delete: true }],
    ["a pod that was never bound waits for its node", { pod: aPod({ nodeName: "" }) }, undefined],
    [
      "a pod that was deleted before it was bound goes",
      { pod: aPod({ nodeName: "", leaving: true }) },
      { delete: true, failed: { phase: "Failed" } },
    ],
    [
      "leaving pods of a node out of service go",
      { node: aNode(false, outOfService), pod: aPod({ leaving: true }) },
      { delete: true, failed: { phase: "Failed" } },
    ],
    ["others stay there", { node: aNode(false, outOfService) }, undefined],
    [
      "so do those of a node that is ready again",
      { node: aNode(true, outOfService), pod: aPod({ leaving: true }) },
      undefined,
    ],
    ["pods that have ended and are too many go", { pod: aPod({ phase: "Failed" }), isSurplus: true }, { delete: true }],
  ])("%s", (_, given, then) => {
    const decision = decide({ ...quiet, ...given });
    if (then === undefined) expect(decision).toBeUndefined();
    else expect(decision).toMatchObject(then);
  });

  test("of pods that have ended, the evicted and then the oldest are too many", () => {
    const pods = [
      aPod({ name: "young", age: 1 }),
      aPod({ name: "old", age: 9 }),
      aPod({ name: "middle", age: 5 }),
      aPod({ name: "evicted", age: 2, reason: "Evicted" }),
    ];
    const names = (threshold: number) => surplus(pods, threshold).map(({ metadata }) => metadata.name);
    expect([names(2), names(4), names(0)]).toEqual([["evicted", "old"], [], []]);
  });
});
