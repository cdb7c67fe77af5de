import { describe, expect, test } from "vitest";
import type { AnyObject } from "../../api/object.ts";
import type { UserInfo } from "../user.ts";
import { nodeRestriction, tokenRefusal } from "./node-restriction.ts";
import { anObject, aPod, reviewOf, storeWith } from "./testing/reviews.ts";

const store = await storeWith();
const user: UserInfo = { name: "system:node:two", uid: "", groups: ["system:nodes"], extra: {} };
const aNode = (labels: Record<string, string>, taints: readonly object[] = [], name = "two"): AnyObject =>
  anObject("v1", "Node", { metadata: { name, labels }, spec: { taints } });
const admitted = (object: AnyObject, old?: AnyObject, subresource?: string) => () =>
  nodeRestriction({ store }).validate?.(
    reviewOf(object, { user, ...(old && { old }), ...(subresource && { subresource }) }),
  );

describe("a node that registers", () => {
  test.each([
    ["labels of its own", { room: "kitchen", "example.org/a": "b" }],
    ["what it is", { "kubernetes.io/arch": "arm64", "topology.kubernetes.io/zone": "shelf" }],
    ["what kubelets may say", { "node.kubernetes.io/anything": "x", "a.kubelet.kubernetes.io/b": "x" }],
  ])("says %s", (_, labels) => expect(admitted(aNode(labels))).not.toThrow());

  test.each([
    [
      "that it is a server",
      { "node-role.kubernetes.io/control-plane": "true" },
      "node-role.kubernetes.io/control-plane",
    ],
    ["what administrators keep for themselves", { "node-restriction.kubernetes.io/safe": "1" }, "node-restriction"],
    ["what nobody knows", { "k8s.io/new": "1" }, "k8s.io/new"],
  ])("does not say %s", (_, labels, named) => expect(admitted(aNode(labels))).toThrow(named));

  test("is nobody else", () => expect(admitted(aNode({}, [], "three"))).toThrow('modify node "three"'));
});

describe("a node that changes itself", () => {
  const taint = { key: "only", effect: "NoSchedule" };
  test("keeps its taints", () => {
    expect(admitted(aNode({}, []), aNode({}, [taint]))).toThrow('node "two" is not allowed to modify taints');
    expect(admitted(aNode({ a: "b" }, [taint]), aNode({}, [taint]))).not.toThrow();
  });

  test("keeps labels that are not its own, whoever set them", () => {
    const role = { "node-role.kubernetes.io/control-plane": "true" };
    expect(admitted(aNode({}), aNode(role))).toThrow("is not allowed to modify labels: node-role");
    expect(admitted(aNode({ ...role, a: "b" }), aNode(role))).not.toThrow();
  });
});

test("a pod's status brings no labels", () => {
  const old = aPod({ nodeName: "two" });
  const labelled = aPod({ nodeName: "two" }, { labels: { app: "web" } });
  expect(admitted(labelled, old, "status")).toThrow("cannot update labels through pod status");
});

describe("tokens for a node", () => {
  const pods: Record<string, AnyObject> = { mine: aPod({ nodeName: "two" }), other: aPod({ nodeName: "three" }) };
  const bound = (name: string, uid = "u") => ({ apiVersion: "v1", kind: "Pod", name, uid });
  test.each([
    ["one of its pods", bound("mine"), undefined],
    ["another node's pod", bound("other"), "node requested token bound to a pod scheduled on a different node"],
    ["nothing", undefined, "node requested token not bound to a pod"],
    ["a pod without its uid", bound("mine", ""), "node requested token with a pod binding without a uid"],
    ["a Secret", { ...bound("mine"), kind: "Secret" }, "node requested token not bound to a pod"],
  ])("bound to %s", (_, reference, why) => {
    expect(tokenRefusal(user, reference, (name) => pods[name])).toBe(why);
  });

  test("others ask for what they like", () => {
    expect(tokenRefusal({ ...user, name: "admin" }, undefined, () => undefined)).toBeUndefined();
  });
});
