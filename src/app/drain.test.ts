import { expect, test } from "vitest";
import type { Node, Pod } from "../api/schema/types.ts";
import { planDrain, thisNode } from "./drain.ts";

const aNode = (name: string, bootID: string) => ({ metadata: { name }, status: { nodeInfo: { bootID } } }) as Node;
const aPod = (
  name: string,
  owner?: string,
  rest: { phase?: string; emptyDir?: true; leaving?: true; mirror?: true } = {},
) =>
  ({
    metadata: {
      name,
      namespace: "default",
      ...(owner && {
        ownerReferences: [{ apiVersion: "apps/v1", kind: owner, name: "o", uid: "u", controller: true }],
      }),
      ...(rest.leaving && { deletionTimestamp: "2026-01-01T00:00:00Z" }),
      ...(rest.mirror && { annotations: { "kubernetes.io/config.mirror": "x" } }),
    },
    spec: { containers: [], ...(rest.emptyDir && { volumes: [{ name: "v", emptyDir: {} }] }) },
    status: { phase: rest.phase ?? "Running" },
  }) as unknown as Pod;
const careful = { force: false, deleteEmptyDirData: false };

test.each<[name: string, pods: Pod[], rights: Partial<typeof careful>, evict: string[], refusal: string]>([
  ["what a controller makes anew is evicted", [aPod("a", "ReplicaSet")], {}, ["a"], ""],
  [
    "pods of DaemonSets and of the node itself stay",
    [aPod("d", "DaemonSet"), aPod("m", undefined, { mirror: true })],
    {},
    [],
    "",
  ],
  [
    "a pod that nothing makes anew refuses the whole",
    [aPod("a", "ReplicaSet"), aPod("b")],
    {},
    [],
    "default/b have no controller",
  ],
  ["with force it goes too", [aPod("b")], { force: true }, ["b"], ""],
  [
    "one that has ended or is ending does not matter",
    [aPod("b", undefined, { phase: "Succeeded" }), aPod("c", undefined, { leaving: true })],
    {},
    ["b", "c"],
    "",
  ],
  [
    "data in an emptyDir is not lost unasked",
    [aPod("a", "ReplicaSet", { emptyDir: true })],
    {},
    [],
    "--delete-emptydir-data evicts them",
  ],
  ["asked, it is", [aPod("a", "ReplicaSet", { emptyDir: true })], { deleteEmptyDirData: true }, ["a"], ""],
])("%s", (_, pods, rights, evict, refusal) => {
  const plan = planDrain(pods, { ...careful, ...rights });
  expect(plan.evict.map(({ metadata }) => metadata.name)).toEqual(evict);
  expect(plan.refusal ?? "").toContain(refusal);
});

test("this machine's node is known by its boot, and by its name among those that share a kernel", () => {
  const [a, b, c] = [aNode("a", "1"), aNode("b", "2"), aNode("c", "2")];
  expect(thisNode([a, b], { bootId: "1", hostName: "whatever" })).toBe(a);
  expect(thisNode([a, b, c], { bootId: "2", hostName: "C" })).toBe(c);
  expect(() => thisNode([a], { bootId: "3", hostName: "a" })).toThrow("this machine is no node of the cluster");
});
