import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { configMap } from "../../api/kinds/core/config-map.ts";
import type { ConfigMap } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { type Client, openClient } from "../client.ts";
import type { Transport } from "../transport.ts";

export interface OpenedTransport extends AsyncDisposable {
  readonly transport: Transport;
  /** A namespace that exists, for this test alone. */
  readonly namespace: string;
}

/** What every way to an API server promises. */
export function transportContract(name: string, open: () => Promise<OpenedTransport>): void {
  describe(`${name} keeps the transport contract`, () => {
    let opened: OpenedTransport;
    let client: Client;
    let stop: AbortController;
    const key = (mapName: string) => ({ namespace: opened.namespace, name: mapName });
    const create = (mapName: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) =>
      client.create(configMap, { metadata: { ...key(mapName), labels }, data });
    const refused = (reason: Parameters<typeof isReason>[1]) => expect.toSatisfy((error) => isReason(error, reason));

    beforeEach(async () => {
      opened = await open();
      client = openClient(opened.transport, { fieldManager: "contract" });
      stop = new AbortController();
    });
    afterEach(async () => {
      stop.abort();
      await opened[Symbol.asyncDispose]();
    });

    test("tells what a version of a group serves", async () => {
      const found = await opened.transport.discover("apps", "v1");
      expect(found.find(({ name }) => name === "deployments")).toMatchObject({ kind: "Deployment", namespaced: true });
      expect(found.filter(({ name }) => name.includes("/"))).toEqual([]);
      await expect(opened.transport.discover("apps", "v0")).rejects.toThrow();
    });

    test("creates, gets, lists, updates, patches and deletes", async () => {
      const created = await create("a", { one: "1" });
      expect(created).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", data: { one: "1" } });
      expect(await client.get(configMap, key("a"))).toEqual(created);
      const updated = await client.update(configMap, { ...created, data: { two: "2" } });
      expect(updated.data).toEqual({ two: "2" });
      const patch = { type: "merge", document: { data: { three: "3" } } } as const;
      expect((await client.patch(configMap, key("a"), patch)).data).toEqual({ two: "2", three: "3" });
      const { items, metadata } = await client.list(configMap, { namespace: opened.namespace });
      const mine = items.find(({ metadata }) => metadata.name === "a");
      expect(mine).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", data: { two: "2", three: "3" } });
      expect(Number(metadata.resourceVersion)).toBeGreaterThan(0);
      await client.delete(configMap, key("a"));
      await expect(client.get(configMap, key("a"))).rejects.toEqual(refused("NotFound"));
    });

    test("lists what a selector selects", async () => {
      await create("a", {}, { colour: "red" });
      await create("b", {}, { colour: "blue" });
      const { items } = await client.list(configMap, { namespace: opened.namespace, labelSelector: "colour in (red)" });
      expect(items.map(({ metadata }) => metadata.name)).toEqual(["a"]);
    });

    test("returns objects that nobody can change", async () => {
      const created = await create("a", { one: "1" });
      expect(Object.isFrozen(created) && Object.isFrozen(created.data)).toBe(true);
      const { items } = await client.list(configMap, { namespace: opened.namespace });
      expect(items.every((item) => Object.isFrozen(item.metadata))).toBe(true);
    });

    test("throws what the server refused, with reason, code, words and details", async () => {
      const first = await create("a");
      await client.update(configMap, { ...first, data: { one: "1" } });
      await expect(client.update(configMap, { ...first, data: { two: "2" } })).rejects.toEqual(refused("Conflict"));
      await expect(create("a")).rejects.toEqual(refused("AlreadyExists"));
      await expect(client.get(configMap, key("absent"))).rejects.toMatchObject({
        reason: "NotFound",
        code: 404,
        message: 'configmaps "absent" not found',
        details: { name: "absent", kind: "configmaps" },
      });
    });

    test("deletes only the object that was meant", async () => {
      await create("a");
      const stranger = { preconditions: { uid: "another" } };
      await expect(client.delete(configMap, key("a"), stranger)).rejects.toEqual(refused("Conflict"));
      await client.get(configMap, key("a"));
    });

    test("watches from a revision: every change once and in order", async () => {
      const first = await create("a");
      const query = { namespace: opened.namespace, resourceVersion: first.metadata.resourceVersion };
      const events = client.watch(configMap, query, stop.signal)[Symbol.asyncIterator]();
      await create("b");
      await client.patch(configMap, key("b"), { type: "merge", document: { data: { one: "ü" } } });
      await client.delete(configMap, key("b"));
      const seen: string[] = [];
      while (seen.length < 3) {
        const { value } = await events.next();
        if (value && value.type !== "BOOKMARK") seen.push(`${value.type} ${value.object.data?.one ?? ""}`.trim());
      }
      expect(seen).toEqual(["ADDED", "MODIFIED ü", "DELETED ü"]);
    });

    test("begins a watch without a revision with what is there", async () => {
      await create("a", {}, { mine: "yes" });
      const query = { namespace: opened.namespace, labelSelector: "mine=yes" };
      for await (const { type, object } of client.watch(configMap, query, stop.signal)) {
        expect([type, object.metadata.name]).toEqual(["ADDED", "a"]);
        break;
      }
    });

    test("ends a watch, without an error, when it is aborted", async () => {
      const seen: ConfigMap[] = [];
      const { metadata } = await client.list(configMap, { namespace: opened.namespace });
      const query = { namespace: opened.namespace, resourceVersion: metadata.resourceVersion };
      const watching = (async () => {
        for await (const { type, object } of client.watch(configMap, query, stop.signal))
          if (type !== "BOOKMARK" && seen.push(object) === 1) stop.abort();
      })();
      await create("a");
      await watching;
      expect(seen.map(({ metadata }) => metadata.name)).toEqual(["a"]);
    });
  });
}
