import { describe, expect, test } from "vitest";
import type { AnyObject } from "../../api/object.ts";
import { systemClock } from "../../base/clock.ts";
import { noLog } from "../../base/log.ts";
import type { Store } from "../../store/contract.ts";
import { openStore } from "../../store/open.ts";
import { NodeAuthorizer } from "./node.ts";

class World {
  readonly store: Store;
  readonly authorizer: NodeAuthorizer;

  constructor(store: Store) {
    this.store = store;
    this.authorizer = new NodeAuthorizer(store, () => []);
  }

  async put(key: string, object: object): Promise<void> {
    await this.store.put(key, { expected: "any", value: () => Buffer.from(JSON.stringify(object)) });
  }

  async putPod(name: string, node: string | undefined, spec: object, metadata: object = {}): Promise<void> {
    const pod: AnyObject = {
      kind: "Pod",
      apiVersion: "v1",
      metadata: { name, namespace: "ns", ...metadata },
      spec: { ...(node && { nodeName: node }), ...spec },
    };
    await this.put(`/pods/ns/${name}`, pod);
  }

  may(node: string, verb: string, resource: string, name: string, namespace = "ns"): boolean {
    const user = { name: `system:node:${node}`, uid: "", groups: ["system:nodes"], extra: {} };
    const asked = { verb, isResource: true, group: "", resource, subresource: "", namespace, name, path: "" };
    return this.authorizer.decide({ user, ...asked }).allowed;
  }
}

async function world(): Promise<World> {
  return new World(await openStore({ kind: "memory" }, { clock: systemClock, log: noLog }));
}

describe("a node reads what its pods name", () => {
  test.each([
    ["secrets", { imagePullSecrets: [{ name: "x" }] }],
    ["secrets", { volumes: [{ name: "v", secret: { secretName: "x" } }] }],
    ["secrets", { volumes: [{ name: "v", projected: { sources: [{ secret: { name: "x" } }] } }] }],
    [
      "secrets",
      { containers: [{ name: "a", env: [{ name: "E", valueFrom: { secretKeyRef: { name: "x", key: "k" } } }] }] },
    ],
    ["secrets", { initContainers: [{ name: "a", envFrom: [{ secretRef: { name: "x" } }] }] }],
    ["configmaps", { volumes: [{ name: "v", configMap: { name: "x" } }] }],
    ["configmaps", { ephemeralContainers: [{ name: "a", envFrom: [{ configMapRef: { name: "x" } }] }] }],
    ["persistentvolumeclaims", { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "x" } }] }],
    ["serviceaccounts", { serviceAccountName: "x" }],
  ])("%s of %j", async (resource, spec) => {
    const here = await world();
    await here.putPod("p", "n1", spec);
    expect(here.may("n1", "get", resource, "x")).toBe(true);
    expect(here.may("n1", "get", resource, "y")).toBe(false);
    expect(here.may("n1", "get", resource, "x", "other")).toBe(false);
    expect(here.may("n2", "get", resource, "x")).toBe(false);
  });
});

const spec = { imagePullSecrets: [{ name: "x" }] };

test("what it may read follows its pods", async () => {
  const here = await world();
  await here.putPod("p", undefined, spec);
  expect(here.may("n1", "get", "secrets", "x")).toBe(false);
  await here.putPod("p", "n1", spec);
  await here.putPod("q", "n1", spec);
  expect(here.may("n1", "get", "secrets", "x")).toBe(true);
  await here.store.delete("/pods/ns/p", { expected: "any", value: () => Buffer.from("{}") });
  expect(here.may("n1", "get", "secrets", "x")).toBe(true);
  await here.store.delete("/pods/ns/q", { expected: "any", value: () => Buffer.from("{}") });
  expect(here.may("n1", "get", "secrets", "x")).toBe(false);
});

test("a pod that comes anew under its old name needs what it says now", async () => {
  const here = await world();
  await here.putPod("p", "n1", spec, { uid: "1" });
  expect(here.may("n1", "get", "secrets", "x")).toBe(true);
  await here.putPod("p", "n1", {}, { uid: "2" });
  expect(here.may("n1", "get", "secrets", "x")).toBe(false);
});

test("a mirror pod opens nothing", async () => {
  const here = await world();
  await here.putPod("p", "n1", spec, { annotations: { "kubernetes.io/config.mirror": "x" } });
  expect(here.may("n1", "get", "secrets", "x")).toBe(false);
});

test("through its pods' claims a node reads their volumes, and the secrets of those", async () => {
  const here = await world();
  await here.putPod("p", "n1", { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "c" } }] });
  await here.put("/persistentvolumeclaims/ns/c", { metadata: { name: "c" }, spec: { volumeName: "pv" } });
  const csi = { nodeStageSecretRef: { name: "x", namespace: "vault" } };
  await here.put("/persistentvolumes/pv", { spec: { claimRef: { namespace: "ns", name: "c" }, csi } });
  await here.put("/persistentvolumes/foreign", { spec: { claimRef: { namespace: "ns", name: "d" }, csi } });
  expect(here.may("n1", "get", "persistentvolumes", "pv", "")).toBe(true);
  expect(here.may("n1", "get", "persistentvolumes", "foreign", "")).toBe(false);
  expect(here.may("n1", "get", "secrets", "x", "vault")).toBe(true);
  expect(here.may("n2", "get", "secrets", "x", "vault")).toBe(false);
});

test("nothing of it is changed", async () => {
  const here = await world();
  await here.putPod("p", "n1", spec);
  expect(here.may("n1", "update", "secrets", "x")).toBe(false);
});
