import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { configMap } from "../api/kinds/core/config-map.ts";
import { event } from "../api/kinds/core/event.ts";
import { secret } from "../api/kinds/core/secret.ts";
import type { ConfigMap, Secret } from "../api/schema/types.ts";
import { StatusError } from "../api/status.ts";
import { noLog } from "../base/log.ts";
import { type FakeClock, fakeClock } from "../base/testing/fake-clock.ts";
import { carryOut, deletion } from "./carry-out.ts";
import { type Client, openClient } from "./client.ts";
import { controllerOf, defineController, settled, startController } from "./controller.ts";
import type { Informers } from "./informer.ts";
import { openInformers } from "./open-informers.ts";
import { type MemoryTransport, memoryTransport } from "./testing/memory-transport.ts";

/** As many Secrets for each ConfigMap as it asks for. */
const copies = defineController<ConfigMap>({
  name: "copies",
  reconciles: configMap,
  watches: [{ kind: secret, keys: controllerOf("ConfigMap") }],
  async reconcile(key, { cache, client, events }) {
    const map = cache.get(configMap, key);
    if (!map) return settled;
    const owner = {
      apiVersion: "v1",
      kind: "ConfigMap",
      name: key.name,
      uid: map.metadata.uid ?? "",
      controller: true,
    };
    const there = cache.list(secret, key.namespace);
    const missing = Number(map.data?.copies ?? 0) - there.length;
    const metadata = { generateName: "copy-", namespace: "default", ownerReferences: [owner] };
    await carryOut(cache, [
      ...Array.from({ length: Math.max(0, missing) }, () => () => client.create(secret, { metadata } as Secret)),
      ...there.slice(0, Math.max(0, -missing)).map((extra) => deletion(client, secret, extra)),
    ]);
    if (missing !== 0) events.record(map, { type: "Normal", reason: "Copied", message: "made it right" });
    return settled;
  },
});

describe("a controller", () => {
  let clock: FakeClock;
  let transport: MemoryTransport;
  let client: Client;
  let informers: Informers;
  let running: Disposable;
  const secrets = async () => (await client.list(secret)).items;

  beforeEach(async () => {
    clock = fakeClock();
    transport = memoryTransport(clock);
    client = openClient(transport, { fieldManager: "test" });
    informers = openInformers(client, { clock, log: noLog });
    running = await startController(copies, { client, informers, clock, log: noLog });
    const metadata = { name: "map", namespace: "default" };
    await client.create(configMap, { metadata, data: { copies: "5" } } as never);
  });
  afterEach(async () => {
    running[Symbol.dispose]();
    await informers[Symbol.asyncDispose]();
  });

  test("creates what is missing once, and no more than that", async () => {
    await vi.waitFor(async () => expect(await secrets()).toHaveLength(5));
    await clock.advance(10_000);
    expect(await secrets()).toHaveLength(5);
    expect(transport.writes.filter(({ resource, verb }) => resource === "secrets" && verb === "create")).toHaveLength(
      5,
    );
  });

  test("comes back when something it owns goes away", async () => {
    await vi.waitFor(async () => expect(await secrets()).toHaveLength(5));
    const [first] = await secrets();
    await client.delete(secret, { namespace: "default", name: first?.metadata.name ?? "" });
    await vi.waitFor(async () => expect(await secrets()).toHaveLength(5));
  });

  test("takes away what is too much", async () => {
    await vi.waitFor(async () => expect(await secrets()).toHaveLength(5));
    const map = await client.get(configMap, { namespace: "default", name: "map" });
    await client.update(configMap, { ...map, data: { copies: "2" } });
    await vi.waitFor(async () => expect(await secrets()).toHaveLength(2));
  });

  test("counts what it repeats in one Event", async () => {
    await vi.waitFor(async () => expect(await secrets()).toHaveLength(5));
    const [first] = await secrets();
    await client.delete(secret, { namespace: "default", name: first?.metadata.name ?? "" });
    await vi.waitFor(async () => {
      const { items } = await client.list(event);
      expect(items.map(({ reason, message, count, source }) => ({ reason, message, count, source }))).toEqual([
        { reason: "Copied", message: "made it right", count: 2, source: { component: "copies-controller" } },
      ]);
    });
  });

  test("asks a server that refuses once and then in a growing rhythm", async () => {
    let asked = 0;
    await vi.waitFor(async () => expect(await secrets()).toHaveLength(5));
    transport.intercept = ({ resource, verb }) => {
      if (resource !== "secrets" || verb !== "create") return;
      asked++;
      throw new StatusError("Forbidden", "exceeded quota");
    };
    const map = await client.get(configMap, { namespace: "default", name: "map" });
    await client.update(configMap, { ...map, data: { copies: "500" } });
    await vi.waitFor(() => expect(asked).toBe(1));
    await clock.advance(5 + 10 + 20);
    expect(asked).toBe(4);
    transport.intercept = undefined;
    await clock.advance(40);
    await vi.waitFor(async () => expect(await secrets()).toHaveLength(500));
  });
});
