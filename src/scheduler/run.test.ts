import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { event } from "../api/kinds/core/event.ts";
import { node } from "../api/kinds/core/node.ts";
import { pod } from "../api/kinds/core/pod.ts";
import type { Pod } from "../api/schema/types.ts";
import { StatusError } from "../api/status.ts";
import { noLog } from "../base/log.ts";
import { type FakeClock, fakeClock } from "../base/testing/fake-clock.ts";
import { type Client, openClient } from "../client/client.ts";
import type { Informers } from "../client/informer.ts";
import { openInformers } from "../client/open-informers.ts";
import { type MemoryTransport, memoryTransport } from "../client/testing/memory-transport.ts";
import { runScheduler } from "./run.ts";
import { aNode, aPod } from "./testing/objects.ts";

describe("the scheduler", () => {
  let clock: FakeClock;
  let transport: MemoryTransport;
  let client: Client;
  let informers: Informers;
  let scheduler: Disposable;
  const get = (name: string): Promise<Pod> => client.get(pod, { namespace: "default", name });
  const nodeOf = async (name: string) => (await get(name)).spec?.nodeName;
  const eventTexts = async () => (await client.list(event)).items.map(({ reason, message }) => `${reason}: ${message}`);

  beforeEach(async () => {
    clock = fakeClock();
    transport = memoryTransport(clock);
    client = openClient(transport, { fieldManager: "test" });
    informers = openInformers(client, { clock, log: noLog });
    scheduler = await runScheduler({ client, informers, clock, log: noLog, random: () => 0 });
  });
  afterEach(async () => {
    scheduler[Symbol.dispose]();
    await informers[Symbol.asyncDispose]();
  });

  test("binds pods, and tells of it", async () => {
    await client.create(node, aNode());
    await client.create(pod, aPod());
    await vi.waitFor(async () => expect(await nodeOf("web")).toBe("n1"));
    await vi.waitFor(async () =>
      expect(await eventTexts()).toEqual(["Scheduled: Successfully assigned default/web to n1"]),
    );
  });

  test("leaves pods alone that name another scheduler or have gates", async () => {
    await client.create(node, aNode());
    await client.create(pod, aPod({ name: "other", schedulerName: "mine" }));
    await client.create(pod, aPod({ name: "gated", schedulingGates: [{ name: "wait" }] }));
    await client.create(pod, aPod());
    await vi.waitFor(async () => expect(await nodeOf("web")).toBe("n1"));
    expect([await nodeOf("other"), await nodeOf("gated")]).toEqual([undefined, undefined]);
    expect((await get("gated")).status?.conditions).toBeUndefined();
    expect(clock.waiting).toBe(0);
  });

  test("leaves pods waiting that ask for devices, which nobody here can give them", async () => {
    await client.create(node, aNode());
    const wanting = aPod();
    const resourceClaims = [{ name: "card", resourceClaimName: "card" }];
    await client.create(pod, { ...wanting, spec: { ...wanting.spec, resourceClaims } });
    await vi.waitFor(async () =>
      expect(await eventTexts()).toEqual([
        "FailedScheduling: 0/1 nodes are available: 1 cannot allocate all claims. still not schedulable, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
      ]),
    );
  });

  test("says why a pod waits, and binds it when that changes", async () => {
    await client.create(node, aNode({ cpu: "1" }));
    await client.create(pod, aPod({ cpu: "2" }));
    const message =
      "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: " +
      "0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
    await vi.waitFor(async () =>
      expect((await get("web")).status?.conditions).toMatchObject([
        { type: "PodScheduled", status: "False", reason: "Unschedulable", message, observedGeneration: 1 },
      ]),
    );
    await client.create(node, aNode({ name: "n2" }));
    await clock.advance(1000);
    await vi.waitFor(async () => expect(await nodeOf("web")).toBe("n2"));
    expect(await eventTexts()).toContain(`FailedScheduling: ${message}`);
  });

  test("tries again as soon as something may help, and says what stands in the way then", async () => {
    const taints = [{ key: "a", effect: "NoSchedule" }];
    await client.create(node, aNode({ unschedulable: true, taints }));
    await client.create(pod, aPod());
    await vi.waitFor(async () => expect((await eventTexts()).join()).toContain("were unschedulable"));
    await client.patch(node, { name: "n1" }, { type: "merge", document: { spec: { unschedulable: false } } });
    await vi.waitFor(async () => expect((await eventTexts()).join()).toContain("had untolerated taint(s)"));
  });

  test("never promises a node's room twice, however slow the binding", async () => {
    await client.create(node, aNode({ pods: "2" }));
    for (const name of ["a", "b", "c"]) await client.create(pod, aPod({ name }));
    await vi.waitFor(async () => expect(await eventTexts()).toHaveLength(3));
    const bound = (await client.list(pod)).items.filter(({ spec }) => spec?.nodeName);
    expect(bound).toHaveLength(2);
  });

  test("does not tell a pod that it found no node after it has one", async () => {
    let letThrough = (): void => {};
    const held = new Promise<void>((resolve) => {
      letThrough = resolve;
    });
    const written: string[] = [];
    transport.intercept = ({ subresource }) => {
      if (subresource !== undefined) written.push(subresource);
      return subresource === "status" ? held : undefined;
    };
    await client.create(node, aNode({ cpu: "1" }));
    await client.create(pod, aPod({ cpu: "2" }));
    await vi.waitFor(async () => expect((await eventTexts()).join()).toContain("Insufficient cpu"));
    await client.create(node, aNode({ name: "n2" }));
    await clock.advance(1000);
    expect(written).toEqual(["status"]);
    letThrough();
    await vi.waitFor(async () => expect(await nodeOf("web")).toBe("n2"));
    expect(written).toEqual(["status", "binding"]);
  });

  test("tries again when binding fails", async () => {
    let failures = 1;
    transport.intercept = ({ subresource }) => {
      if (subresource === "binding" && failures-- > 0) throw new StatusError("InternalError", "not now");
    };
    await client.create(node, aNode());
    await client.create(pod, aPod());
    await vi.waitFor(() => expect(failures).toBe(0));
    await clock.advance(1000);
    await vi.waitFor(async () => expect(await nodeOf("web")).toBe("n1"));
  });

  test("makes room for a pod of higher priority, at the cost of the least important", async () => {
    await client.create(node, aNode({ cpu: "2" }));
    await client.create(pod, aPod({ name: "low", cpu: "1", priority: 1 }));
    await client.create(pod, aPod({ name: "mid", cpu: "1", priority: 5 }));
    await vi.waitFor(async () => expect([await nodeOf("low"), await nodeOf("mid")]).toEqual(["n1", "n1"]));
    await client.create(pod, aPod({ name: "high", cpu: "1", priority: 10 }));
    await vi.waitFor(async () => expect((await get("low")).metadata.deletionTimestamp).toBeDefined());
    expect((await get("high")).status?.nominatedNodeName).toBe("n1");
    await client.delete(pod, { namespace: "default", name: "low" }, { gracePeriodSeconds: 0 });
    await clock.advance(1000);
    await vi.waitFor(async () => expect(await nodeOf("high")).toBe("n1"));
    expect(await nodeOf("mid")).toBe("n1");
  });

  test("gives room that was made for a pod to no one less important", async () => {
    await client.create(node, aNode({ cpu: "1" }));
    await client.create(pod, aPod({ name: "low", cpu: "1", priority: 1 }));
    await vi.waitFor(async () => expect(await nodeOf("low")).toBe("n1"));
    await client.create(pod, aPod({ name: "high", cpu: "1", priority: 10 }));
    await vi.waitFor(async () => expect((await get("low")).metadata.deletionTimestamp).toBeDefined());
    await client.delete(pod, { namespace: "default", name: "low" }, { gracePeriodSeconds: 0 });
    await client.create(pod, aPod({ name: "late", cpu: "1", priority: 1 }));
    const isWaiting = async () => (await get("late")).status?.conditions?.some(({ status }) => status === "False");
    await vi.waitFor(async () => expect(await isWaiting()).toBe(true));
    await clock.advance(1000);
    await vi.waitFor(async () => expect(await nodeOf("high")).toBe("n1"));
    expect(await nodeOf("late")).toBeUndefined();
  });

  test("makes a pod that is leaving already leave no second time for a more important one", async () => {
    await client.create(node, aNode({ cpu: "1" }));
    await client.create(pod, aPod({ name: "low", cpu: "1", priority: 1 }));
    await vi.waitFor(async () => expect(await nodeOf("low")).toBe("n1"));
    await client.create(pod, aPod({ name: "mid", cpu: "1", priority: 5 }));
    await vi.waitFor(async () => expect((await eventTexts()).join()).toContain("Preempted: Preempted by pod"));
    await client.create(pod, aPod({ name: "high", cpu: "1", priority: 10 }));
    await vi.waitFor(async () => expect((await get("high")).status?.nominatedNodeName).toBe("n1"));
    expect((await get("mid")).status?.nominatedNodeName).toBeUndefined();
    expect((await eventTexts()).filter((text) => text.startsWith("Preempted"))).toHaveLength(1);
  });

  test("gives up the room that is being made for a pod when its node becomes impossible", async () => {
    await client.create(node, aNode({ cpu: "1" }));
    await client.create(pod, aPod({ name: "low", cpu: "1", priority: 1 }));
    await vi.waitFor(async () => expect(await nodeOf("low")).toBe("n1"));
    await client.create(pod, aPod({ name: "high", cpu: "1", priority: 10 }));
    await vi.waitFor(async () => expect((await get("high")).status?.nominatedNodeName).toBe("n1"));
    await vi.waitFor(async () => expect((await get("low")).metadata.deletionTimestamp).toBeDefined());
    await client.patch(node, { name: "n1" }, { type: "merge", document: { spec: { unschedulable: true } } });
    await client.delete(pod, { namespace: "default", name: "low" }, { gracePeriodSeconds: 0 });
    await clock.advance(1000);
    await vi.waitFor(async () => expect((await get("high")).status?.nominatedNodeName).toBeUndefined());
  });
});
