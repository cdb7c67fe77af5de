import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { event } from "../api/kinds/core/event.ts";
import { node } from "../api/kinds/core/node.ts";
import { pod } from "../api/kinds/core/pod.ts";
import { noLog } from "../base/log.ts";
import { type FakeClock, fakeClock } from "../base/testing/fake-clock.ts";
import { type Client, openClient } from "../client/client.ts";
import { openInformers } from "../client/open-informers.ts";
import { memoryTransport } from "../client/testing/memory-transport.ts";
import { configurationFrom } from "./configuration.ts";
import { runScheduler } from "./run.ts";
import { aNode, aPod } from "./testing/objects.ts";

interface Question {
  readonly verb: string;
  readonly body: {
    NodeNames?: string[];
    Nodes?: { items: { metadata: { name: string } }[] };
    [field: string]: unknown;
  };
}

describe("an extender", () => {
  let running: AsyncDisposableStack;
  let clock: FakeClock;
  let client: Client;
  let asked: Question[];
  /** What the extender answers, by verb; a verb without an answer is an error of the server's. */
  let answers: Record<string, (body: Question["body"]) => object | Promise<object>>;

  beforeEach(() => {
    running = new AsyncDisposableStack();
    clock = fakeClock();
    asked = [];
    answers = {};
    client = openClient(memoryTransport(clock), { fieldManager: "test" });
  });
  afterEach(() => running.disposeAsync());

  async function anExtender(): Promise<string> {
    const server: Server = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const verb = request.url?.split("/").at(-1) ?? "";
      const body = JSON.parse(Buffer.concat(parts).toString()) as Question["body"];
      asked.push({ verb, body });
      const answer = await answers[verb]?.(body);
      response.writeHead(answer ? 200 : 500, { "content-type": "application/json" });
      response.end(JSON.stringify(answer ?? {}));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    running.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/scheduler`;
  }

  async function aScheduler(settings: object): Promise<void> {
    const urlPrefix = await anExtender();
    const informers = running.use(openInformers(client, { clock, log: noLog }));
    const configuration = configurationFrom({ extenders: [{ urlPrefix, httpTimeout: "10m", ...settings }] });
    running.use(await runScheduler({ client, informers, clock, log: noLog, configuration, random: () => 0 }));
  }

  const get = (name: string) => client.get(pod, { namespace: "default", name });
  const nodeOf = async (name: string) => (await get(name)).spec?.nodeName;
  const verbs = () => asked.map(({ verb }) => verb);
  const twoNodes = async () => {
    await client.create(node, aNode());
    await client.create(node, aNode({ name: "n2" }));
  };
  const eventTexts = async () => (await client.list(event)).items.map(({ reason, message }) => `${reason}: ${message}`);

  test("leaves out nodes, and what it says of them is told", async () => {
    answers.filter = () => ({ NodeNames: ["n2"], FailedNodes: { n1: "not this one" } });
    await twoNodes();
    await aScheduler({ filterVerb: "filter", nodeCacheCapable: true });
    await client.create(pod, aPod());
    await vi.waitFor(async () => expect(await nodeOf("web")).toBe("n2"));
    expect(asked[0]?.body).toMatchObject({ Nodes: null, NodeNames: ["n1", "n2"], Pod: { metadata: { name: "web" } } });

    answers.filter = () => ({ Nodes: null, NodeNames: [], FailedNodes: { n1: "too old", n2: "too old" } });
    await client.create(pod, aPod({ name: "second" }));
    await vi.waitFor(async () =>
      expect((await get("second")).status?.conditions?.[0]?.message).toContain("0/2 nodes are available: 2 too old."),
    );
  });

  test("is sent whole nodes unless it knows them, and says which of them are better", async () => {
    answers.filter = ({ Nodes }) => ({ Nodes });
    answers.prioritize = ({ Nodes }) =>
      (Nodes?.items ?? []).map(({ metadata: { name } }) => ({ Host: name, Score: name === "n2" ? 10 : 0 }));
    await twoNodes();
    await aScheduler({ filterVerb: "filter", prioritizeVerb: "prioritize", weight: 5 });
    await client.create(pod, aPod());
    await vi.waitFor(async () => expect(await nodeOf("web")).toBe("n2"));
    expect(verbs()).toEqual(["filter", "prioritize"]);
  });

  test("that has no opinion on the score keeps no pod waiting", async () => {
    await twoNodes();
    await aScheduler({ prioritizeVerb: "prioritize", weight: 1 });
    await client.create(pod, aPod());
    await vi.waitFor(async () => expect(await nodeOf("web")).toBeDefined());
  });

  test("binds pods itself where it is asked to", async () => {
    answers.bind = async ({ PodName, PodNamespace, Node }) => {
      const target = { apiVersion: "v1", kind: "Node", name: String(Node) };
      const key = { name: String(PodName), namespace: String(PodNamespace) };
      await client.post(pod, key, "binding", { apiVersion: "v1", kind: "Binding", metadata: key, target });
      return {};
    };
    await twoNodes();
    await aScheduler({ bindVerb: "bind" });
    await client.create(pod, aPod());
    await vi.waitFor(async () => expect(await nodeOf("web")).toBe("n1"));
    expect(asked[0]?.body).toMatchObject({ PodName: "web", PodUID: (await get("web")).metadata.uid, Node: "n1" });
    await vi.waitFor(async () =>
      expect(await eventTexts()).toEqual(["Scheduled: Successfully assigned default/web to n1"]),
    );
  });

  test("is asked only for pods that want what it manages, and what it manages need be on no node", async () => {
    answers.filter = ({ NodeNames }) => ({ NodeNames });
    await twoNodes();
    const managedResources = [{ name: "example.com/card", ignoredByScheduler: true }];
    await aScheduler({ filterVerb: "filter", nodeCacheCapable: true, managedResources });
    await client.create(pod, aPod());
    await vi.waitFor(async () => expect(await nodeOf("web")).toBeDefined());
    expect(verbs()).toEqual([]);
    const resources = { requests: { "example.com/card": "1" } };
    await client.create(pod, aPod({ name: "carded", containers: [{ name: "a", resources }] }));
    await vi.waitFor(async () => expect(await nodeOf("carded")).toBeDefined());
    expect(verbs()).toEqual(["filter"]);
  });

  test("that fails makes its pods wait, and it is said why", async () => {
    await twoNodes();
    await aScheduler({ filterVerb: "filter" });
    await client.create(pod, aPod());
    await vi.waitFor(async () =>
      expect((await get("web")).status?.conditions).toMatchObject([
        { type: "PodScheduled", status: "False", reason: "SchedulerError" },
      ]),
    );
    await vi.waitFor(async () =>
      expect((await eventTexts()).join()).toMatch(/FailedScheduling: failed filter with extender at URL .*, code 500/),
    );
    answers.filter = ({ Nodes }) => ({ Nodes });
    await clock.advance(1000);
    await vi.waitFor(async () => expect(await nodeOf("web")).toBeDefined());
  });

  test("that may be left out is left out when it fails", async () => {
    await twoNodes();
    await aScheduler({ filterVerb: "filter", bindVerb: "bind", ignorable: true });
    await client.create(pod, aPod());
    await vi.waitFor(async () => expect(await nodeOf("web")).toBeDefined());
    expect(verbs()).toEqual(["filter", "bind"]);
  });

  test("has a say in who makes room", async () => {
    answers.preempt = ({ NodeNameToVictims: given }) => {
      const { n2 } = given as Record<string, { Pods: { metadata: { uid: string } }[] }>;
      const Pods = n2?.Pods.map(({ metadata }) => ({ UID: metadata.uid }));
      return { NodeNameToMetaVictims: { n2: { Pods, NumPDBViolations: 0 } } };
    };
    for (const name of ["n1", "n2"]) await client.create(node, aNode({ name, cpu: "1" }));
    await aScheduler({ preemptVerb: "preempt" });
    await client.create(pod, aPod({ name: "low", cpu: "1", priority: 1 }));
    await vi.waitFor(async () => expect(await nodeOf("low")).toBe("n1"));
    await client.create(pod, aPod({ name: "mid", cpu: "1", priority: 2 }));
    await vi.waitFor(async () => expect(await nodeOf("mid")).toBe("n2"));
    await client.create(pod, aPod({ name: "high", cpu: "1", priority: 10 }));
    await vi.waitFor(async () => expect((await get("high")).status?.nominatedNodeName).toBe("n2"));
    await vi.waitFor(async () => expect((await get("mid")).metadata.deletionTimestamp).toBeDefined());
    expect((await get("low")).metadata.deletionTimestamp).toBeUndefined();
  });
});
