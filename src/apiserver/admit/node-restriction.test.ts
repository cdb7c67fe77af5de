import { describe, expect, test } from "vitest";
import type { AnyObject } from "../../api/object.ts";
import type { UserInfo } from "../user.ts";
import { nodeRestriction, tokenRefusal } from "./node-restriction.ts";
import { anObject, aPod, refusalBy, reviewOf, storeWith } from "./testing/reviews.ts";

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

describe("pods that a node makes", () => {
  const owner = { apiVersion: "v1", kind: "Node", name: "two", uid: "u", controller: true };
  const mirror = (spec: object = {}, metadata: object = {}) =>
    aPod(
      { nodeName: "two", containers: [{ name: "c" }], ...spec },
      { annotations: { "kubernetes.io/config.mirror": "h" }, ownerReferences: [owner], ...metadata },
    );
  const refusal = async (pod: AnyObject) => {
    const home = await storeWith(anObject("v1", "Node", { metadata: { name: "two", uid: "u" } }));
    return refusalBy(nodeRestriction({ store: home }), reviewOf(pod, { user }));
  };
  test.each<[what: string, pod: AnyObject, why: string | undefined]>([
    ["are pictures of its own static pods", mirror(), undefined],
    ["are nothing else", mirror({}, { annotations: {} }), "can only create mirror pods"],
    ["are on itself", mirror({ nodeName: "three" }), "with spec.nodeName set to itself"],
    ["have an owner", mirror({}, { ownerReferences: [] }), "with an owner reference set to itself"],
    ["have one owner", mirror({}, { ownerReferences: [owner, owner] }), "with a single owner reference"],
    [
      "are not another's",
      mirror({}, { ownerReferences: [{ ...owner, name: "three" }] }),
      "owner reference set to itself",
    ],
    ["are controlled by it", mirror({}, { ownerReferences: [{ ...owner, controller: false }] }), "a controller owner"],
    [
      "hold nothing up",
      mirror({}, { ownerReferences: [{ ...owner, blockOwnerDeletion: true }] }),
      "blockOwnerDeletion",
    ],
    [
      "are of the node that is there",
      mirror({}, { ownerReferences: [{ ...owner, uid: "v" }] }),
      "UID mismatch: expected v got u",
    ],
    ["use no account", mirror({ serviceAccountName: "admin" }), "reference a service account"],
    ["see no secret", mirror({ volumes: [{ name: "v", secret: { secretName: "s" } }] }), "reference secrets"],
    ["see no secret to pull with", mirror({ imagePullSecrets: [{ name: "s" }] }), "reference secrets"],
    [
      "see no config map",
      mirror({ containers: [{ name: "c", envFrom: [{ configMapRef: { name: "m" } }] }] }),
      "reference configmaps",
    ],
    [
      "see no claim",
      mirror({ volumes: [{ name: "v", persistentVolumeClaim: { claimName: "c" } }] }),
      "reference persistentvolumeclaims",
    ],
  ])("%s", async (_, pod, why) => expect(await refusal(pod)).toEqual(why && expect.stringContaining(why)));
});

test("a node evicts its own pods only", async () => {
  const home = await storeWith(
    aPod({ nodeName: "two" }, { name: "mine" }),
    aPod({ nodeName: "three" }, { name: "other" }),
  );
  const evict = (name: string) => {
    const review = reviewOf(aPod({}, { name }), { user, subresource: "eviction", old: aPod({}, { name }) });
    return refusalBy(nodeRestriction({ store: home }), { ...review, operation: "CREATE" });
  };
  expect(await evict("mine")).toBeUndefined();
  expect(await evict("other")).toContain("node two can only evict pods with spec.nodeName set to itself");
});

describe("what else is a node's own", () => {
  const lease = (name: string, namespace: string) =>
    anObject("coordination.k8s.io/v1", "Lease", { metadata: { name, namespace } });
  const csiNode = (name: string) => anObject("storage.k8s.io/v1", "CSINode", { metadata: { name } });
  const claim = (status: object, metadata: object = {}) =>
    anObject("v1", "PersistentVolumeClaim", { metadata, spec: {}, status });
  test.each<[what: string, object: AnyObject, why: string | undefined]>([
    ["its lease", lease("two", "kube-node-lease"), undefined],
    ["not another's", lease("three", "kube-node-lease"), "the same name as the requesting node"],
    ["not one of the control plane", lease("two", "kube-system"), 'in the "kube-node-lease" system namespace'],
    ["its drivers", csiNode("two"), undefined],
    ["not another's drivers", csiNode("three"), "can only access CSINode with the same name"],
  ])("%s", (_, object, why) => {
    if (why === undefined) expect(admitted(object)).not.toThrow();
    else expect(admitted(object)).toThrow(why);
  });
  test("of a claim, how large its volume has become", () => {
    const grown = { capacity: { storage: "2Gi" }, phase: "Bound" };
    expect(admitted(claim(grown), claim({ phase: "Bound" }), "status")).not.toThrow();
    expect(admitted(claim({ phase: "Lost" }), claim({ phase: "Bound" }), "status")).toThrow("fields other than");
    expect(admitted(claim(grown, { labels: { a: "b" } }), claim(grown), "status")).toThrow("fields other than");
    expect(admitted(claim(grown), claim(grown))).toThrow("may only update PVC status");
  });
  test("no configuration from elsewhere", () => {
    const asked = { ...aNode({}), spec: { configSource: { configMap: {} } } };
    expect(admitted(asked)).toThrow("non-nil configSource");
    expect(admitted(asked, aNode({}))).toThrow("to a new non-nil configSource");
  });
});

describe("tokens for a node", () => {
  const pods: Record<string, AnyObject> = {
    mine: aPod({ nodeName: "two" }, { uid: "u" }),
    other: aPod({ nodeName: "three" }, { uid: "u" }),
  };
  const bound = (name: string, uid = "u") => ({ apiVersion: "v1", kind: "Pod", name, uid });
  test.each([
    ["one of its pods", bound("mine"), undefined],
    ["another node's pod", bound("other"), "node requested token bound to a pod scheduled on a different node"],
    [
      "one that had its name before",
      bound("mine", "v"),
      "the UID in the bound object reference (v) does not match the UID in record. The object might have been deleted and then recreated",
    ],
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
