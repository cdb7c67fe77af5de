import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import type { AnyObject } from "../../api/object.ts";
import { noLog } from "../../base/log.ts";
import { fakeClock } from "../../base/testing/fake-clock.ts";
import { openStore } from "../../store/open.ts";
import type { NodeDialer } from "../node-dialer.ts";
import { metricsApi } from "./metrics-api.ts";
import { Figures } from "./node-figures.ts";

/** A node with one pod; it knows what is used from the second question on. */
function aNode(): NodeDialer & { asked: number } {
  const used = (nano: number, bytes: number) => ({
    cpu: { ...(node.asked > 1 && { usageNanoCores: nano }) },
    memory: { workingSetBytes: bytes },
  });
  const node = {
    asked: 0,
    has: (name: string) => name === "n1",
    async open() {
      node.asked++;
      const podRef = { name: "web", namespace: "default" };
      const summary = {
        node: used(250_000_000, 1024 ** 3),
        pods: [{ podRef, containers: [{ name: "app", ...used(5_000_000, 10 * 1024 ** 2) }] }],
      };
      return { status: 200, headers: {}, stream: Duplex.from([Buffer.from(JSON.stringify(summary))]) };
    },
  };
  return node;
}

describe("metrics.k8s.io", async () => {
  const clock = fakeClock();
  const put = async (key: string, object: object) =>
    store.put(key, { expected: "any", value: () => Buffer.from(JSON.stringify(object)) });
  const store = await openStore({ kind: "memory" }, { clock, log: noLog });
  for (const name of ["n1", "n2"]) await put(`/nodes/${name}`, { kind: "Node", apiVersion: "v1", metadata: { name } });
  const metadata = { name: "web", namespace: "default", labels: { app: "web" } };
  await put("/pods/default/web", { kind: "Pod", apiVersion: "v1", metadata, spec: { nodeName: "n1" } });
  const ask = async (question: Partial<Parameters<ReturnType<typeof metricsApi>["answer"]>[0]>, dialer = aNode()) => {
    const api = metricsApi(store, new Figures(dialer, clock));
    const base = { verb: "list", resource: "pods", namespace: "default", name: undefined, labelSelector: "" };
    const answer = api.answer({ ...base, ...question });
    const tick = setInterval(() => void clock.advance(1000), 5);
    return answer.finally(() => clearInterval(tick)) as Promise<AnyObject & { items?: object[] }>;
  };

  test("tells what pods use, after watching for a second where nobody asked before", async () => {
    const { items, kind } = await ask({});
    expect(kind).toBe("PodMetricsList");
    expect(items).toMatchObject([
      {
        metadata: { name: "web", namespace: "default" },
        containers: [{ name: "app", usage: { cpu: "5000000n", memory: "10240Ki" } }],
      },
    ]);
  });

  test("tells what nodes use, and nothing of nodes that cannot be asked", async () => {
    const { items } = await ask({ resource: "nodes", namespace: undefined });
    expect(items).toMatchObject([{ metadata: { name: "n1" }, usage: { cpu: "250000000n", memory: "1048576Ki" } }]);
  });

  test("tells only of those that are selected", async () => {
    expect((await ask({ labelSelector: "app=other" })).items).toEqual([]);
  });

  test("answers a single name, and says when it is not there", async () => {
    expect(await ask({ verb: "get", name: "web" })).toMatchObject({ kind: "PodMetrics", metadata: { name: "web" } });
    await expect(ask({ verb: "get", name: "none" })).rejects.toThrow('pods.metrics.k8s.io "default/none" not found');
  });

  test("asks a node once for all who look at the same time", async () => {
    const dialer = aNode();
    const figures = new Figures(dialer, clock);
    const tick = setInterval(() => void clock.advance(1000), 5);
    await Promise.all([figures.of("n1"), figures.of("n1"), figures.of("n1")]);
    clearInterval(tick);
    expect(dialer.asked).toBe(2);
  });
});
