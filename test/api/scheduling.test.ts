import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { replicaSet } from "../../src/api/kinds/apps/replica-set.ts";
import { event } from "../../src/api/kinds/core/event.ts";
import { limitRange } from "../../src/api/kinds/core/limit-range.ts";
import { namespace } from "../../src/api/kinds/core/namespace.ts";
import { node } from "../../src/api/kinds/core/node.ts";
import { pod } from "../../src/api/kinds/core/pod.ts";
import { serviceAccount } from "../../src/api/kinds/core/service-account.ts";
import { priorityClass } from "../../src/api/kinds/scheduling/priority-class.ts";
import type { PodSpec } from "../../src/api/schema/types.ts";
import type { Client } from "../../src/client/client.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";

/** The conformance suite's behaviours of sig-scheduling, on a real control plane with pretended nodes. */
describe("scheduling", () => {
  let plane: ControlPlane;
  let client: Client;
  let serial = 0;
  let home = "";
  const eventually = <T>(check: () => Promise<T>) => vi.waitFor(check, { interval: 20 });

  beforeAll(async () => {
    plane = await startControlPlane();
    client = plane.client;
    await plane.addNode("n1", { "example.com/fake": "5" });
    await plane.addNode("n2", { "example.com/fake": "5" });
    for (const [name, value] of [
      ["p1", 1],
      ["p2", 2],
      ["p3", 3],
      ["p4", 4],
    ] as const)
      await client.create(priorityClass, { metadata: { name }, value });
  });
  afterAll(() => plane[Symbol.asyncDispose]());
  beforeEach(async () => {
    home = await aNamespace();
  });

  async function aNamespace(): Promise<string> {
    const name = `scheduling-${serial++}`;
    await client.create(namespace, { metadata: { name }, spec: {} });
    await eventually(() => client.get(serviceAccount, { namespace: name, name: "default" }));
    return name;
  }

  interface Seed {
    readonly name: string;
    readonly requests?: Record<string, string>;
    readonly limits?: Record<string, string>;
    readonly finalizers?: string[];
    readonly spec?: Partial<PodSpec>;
    readonly ports?: { containerPort: number; hostPort?: number; hostIP?: string; protocol?: string }[];
  }
  const specOf = ({ requests, limits, ports, spec = {} }: Omit<Seed, "name">): PodSpec => ({
    containers: [
      {
        name: "app",
        image: "registry.example/pause:1",
        ...(ports && { ports }),
        resources: { ...(requests && { requests }), ...(limits && { limits }) },
      },
    ],
    ...spec,
  });
  const run = ({ name, finalizers, ...seed }: Seed) =>
    client.create(pod, {
      metadata: { namespace: home, name, labels: { name }, ...(finalizers && { finalizers }) },
      spec: specOf(seed),
    });
  const get = (name: string) => client.get(pod, { namespace: home, name });
  const nodeOf = async (name: string) => (await get(name)).spec?.nodeName;
  const isBound = (name: string, to = expect.any(String)) =>
    eventually(async () => expect(await nodeOf(name)).toEqual(to));
  const isRefused = (name: string, why: string) =>
    eventually(async () => {
      expect((await get(name)).status?.conditions?.[0]).toMatchObject({
        type: "PodScheduled",
        status: "False",
        reason: "Unschedulable",
        message: expect.stringContaining(why),
      });
    });
  const fake = (amount: string) => ({
    requests: { "example.com/fake": amount },
    limits: { "example.com/fake": amount },
  });
  const onlyOn = (name: string) => ({ nodeSelector: { "kubernetes.io/hostname": name } });

  test("a LimitRange gives pods its defaults and refuses what is beyond its limits", async () => {
    const limits = {
      type: "Container",
      min: { cpu: "50m", memory: "100Mi" },
      max: { cpu: "500m", memory: "500Mi" },
      defaultRequest: { cpu: "100m", memory: "200Mi" },
      default: { cpu: "500m", memory: "500Mi" },
    };
    await client.create(limitRange, { metadata: { namespace: home, name: "limits" }, spec: { limits: [limits] } });
    const resourcesOf = async (name: string) => (await get(name)).spec?.containers[0]?.resources;
    await run({ name: "silent" });
    expect(await resourcesOf("silent")).toMatchObject({ requests: limits.defaultRequest, limits: limits.default });
    await run({ name: "partial", requests: { cpu: "300m" }, limits: { memory: "300Mi" } });
    expect(await resourcesOf("partial")).toMatchObject({
      requests: { cpu: "300m", memory: "300Mi" },
      limits: { cpu: "500m", memory: "300Mi" },
    });
    await expect(run({ name: "small", requests: { cpu: "10m" } })).rejects.toThrow("minimum cpu usage per Container");
    await expect(run({ name: "large", limits: { cpu: "1" } })).rejects.toThrow("maximum cpu usage per Container");

    const changed = { spec: { limits: [{ ...limits, min: { cpu: "9m", memory: "1Mi" } }] } };
    await client.patch(limitRange, { namespace: home, name: "limits" }, { type: "merge", document: changed });
    await run({ name: "small", requests: { cpu: "10m" } });
  });

  test("LimitRanges are listed in all namespaces, patched, and deleted together in one", async () => {
    const other = await aNamespace();
    const limits = [{ type: "Container", max: { cpu: "1" } }];
    for (const where of [home, other])
      await client.create(limitRange, {
        metadata: { namespace: where, name: "limits", labels: { set: home } },
        spec: { limits },
      });
    const all = async () => (await client.list(limitRange, { labelSelector: `set=${home}` })).items;
    expect(await all()).toHaveLength(2);
    const document = { spec: { limits: [{ type: "Container", max: { cpu: "2" } }] } };
    const patched = await client.patch(limitRange, { namespace: home, name: "limits" }, { type: "merge", document });
    expect(patched.spec?.limits[0]?.max).toEqual({ cpu: "2" });
    await client.transport.request({
      verb: "deletecollection",
      group: "",
      version: "v1",
      resource: "limitranges",
      namespace: home,
      options: { labelSelector: `set=${home}` },
    });
    expect((await all()).map(({ metadata }) => metadata.namespace)).toEqual([other]);
  });

  test("pods that ask for more than the nodes have are not placed", async () => {
    await run({ name: "half", ...fake("3"), spec: onlyOn("n1") });
    await isBound("half", "n1");
    await run({ name: "more", ...fake("3"), spec: onlyOn("n1") });
    await isRefused("more", "1 Insufficient example.com/fake, 1 node(s) didn't match Pod's node affinity/selector.");
    await eventually(async () => {
      const { items } = await client.list(event, { namespace: home });
      expect(items.map(({ reason }) => reason)).toEqual(expect.arrayContaining(["Scheduled", "FailedScheduling"]));
    });
    await client.delete(pod, { namespace: home, name: "half" });
    await isBound("more", "n1");
    await client.delete(pod, { namespace: home, name: "more" });
  });

  test("a node selector is kept to: by no node, then by the one that gets the label", async () => {
    await run({ name: "picky", spec: { nodeSelector: { label: home } } });
    await isRefused("picky", "2 node(s) didn't match Pod's node affinity/selector.");
    const document = { metadata: { labels: { label: home } } };
    await client.patch(node, { name: "n2" }, { type: "merge", document });
    await isBound("picky", "n2");
  });

  test("of two pods with one host port and protocol, one at every address, only one fits a node", async () => {
    const port = { containerPort: 8080, hostPort: 54_322, protocol: "TCP" };
    await run({ name: "everywhere", ports: [{ ...port, hostIP: "0.0.0.0" }], spec: onlyOn("n1") });
    await isBound("everywhere", "n1");
    await run({ name: "somewhere", ports: [{ ...port, hostIP: "192.0.2.1" }], spec: onlyOn("n1") });
    await isRefused("somewhere", "1 node(s) didn't have free ports for the requested pod ports");
    await run({ name: "otherwise", ports: [{ ...port, hostIP: "192.0.2.1", protocol: "UDP" }], spec: onlyOn("n1") });
    await isBound("otherwise", "n1");
  });

  test.each([
    ["more important one", "p4"],
    ["critical one", "system-node-critical"],
  ])("a pod makes room for a %s, and says so in its conditions", async (_, important) => {
    home = important.startsWith("system") ? "kube-system" : home;
    const low = await run({
      name: "low",
      ...fake("5"),
      finalizers: ["example.com/held"],
      spec: { ...onlyOn("n1"), priorityClassName: "p1" },
    });
    await isBound("low", "n1");
    await run({ name: "high", ...fake("5"), spec: { ...onlyOn("n1"), priorityClassName: important } });
    await eventually(async () => {
      const { metadata, status } = await get("low");
      expect(metadata.deletionTimestamp).toBeDefined();
      expect(status?.conditions).toContainEqual(
        expect.objectContaining({ type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler" }),
      );
    });
    await eventually(async () => expect((await get("high")).status?.nominatedNodeName).toBe("n1"));
    const document = { metadata: { finalizers: null, uid: low.metadata.uid } };
    await client.patch(pod, { namespace: home, name: "low" }, { type: "merge", document });
    await isBound("high", "n1");
    await client.delete(pod, { namespace: home, name: "high" });
  });

  test("ReplicaSets of four priorities: the last one makes room at the cost of the least", async () => {
    const sets = [
      ["p1", "1", 3],
      ["p2", "1", 1],
      ["p3", "1", 1],
      ["p4", "3", 1],
    ] as const;
    const spec = (priorityClassName: string, amount: string) =>
      specOf({ ...fake(amount), spec: { ...onlyOn("n2"), priorityClassName } });
    const placed = async (name: string) =>
      (await client.list(pod, { namespace: home, labelSelector: `set=${name}` })).items.filter(
        (one) => one.spec?.nodeName && !one.metadata.deletionTimestamp,
      ).length;
    for (const [name, amount, replicas] of sets) {
      const labels = { set: name };
      const template = { metadata: { name: "", labels }, spec: spec(name, amount) };
      await client.create(replicaSet, {
        metadata: { namespace: home, name },
        spec: { replicas, selector: { matchLabels: labels }, template },
      });
      await eventually(async () => expect(await placed(name)).toBe(replicas));
    }
    await eventually(async () => expect(await Promise.all(sets.map(([name]) => placed(name)))).toEqual([0, 1, 1, 1]));
  });

  test("a PriorityClass keeps its value, and lets its description be changed", async () => {
    const key = { name: `class-of-${home}` };
    await client.create(priorityClass, { metadata: key, value: 7, description: "first" });
    const patch = (document: object) => client.patch(priorityClass, key, { type: "merge", document });
    expect((await patch({ description: "second" })).description).toBe("second");
    const current = await client.get(priorityClass, key);
    expect((await client.update(priorityClass, { ...current, description: "third" })).description).toBe("third");
    await expect(patch({ value: 8 })).rejects.toThrow("may not be changed in an update.");
    expect((await client.list(priorityClass)).items.map(({ metadata }) => metadata.name)).toContain(key.name);
    await client.delete(priorityClass, key);
  });
});
