import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { configMap } from "../api/kinds/core/config-map.ts";
import type { KubeObject } from "../api/object.ts";
import { StatusError } from "../api/status.ts";
import { noLog } from "../base/log.ts";
import { type FakeClock, fakeClock } from "../base/testing/fake-clock.ts";
import { type Client, openClient } from "./client.ts";
import type { Change, Informer, Informers } from "./informer.ts";
import { openInformers } from "./open-informers.ts";
import { type MemoryTransport, memoryTransport } from "./testing/memory-transport.ts";

const byColour = ({ metadata }: KubeObject): string[] => (metadata.labels?.colour ? [metadata.labels.colour] : []);
const names = (objects: readonly KubeObject[]): string[] => objects.map(({ metadata }) => metadata.name).sort();
const shown = ({ before, after }: Change<KubeObject>): string => `${before ? "was" : ""}${after ? "is" : ""}`;

describe("an informer", () => {
  let clock: FakeClock;
  let transport: MemoryTransport;
  let client: Client;
  let informers: Informers;
  let informer: Informer<KubeObject>;
  const create = (name: string, colour = "red", namespace = "default") =>
    client.create(
      configMap as never,
      { metadata: { name, namespace, labels: { colour } } } as never,
    ) as Promise<KubeObject>;
  const remove = (name: string) => client.delete(configMap, { namespace: "default", name });

  beforeEach(async () => {
    clock = fakeClock();
    transport = memoryTransport(clock);
    client = openClient(transport, { fieldManager: "test" });
    informers = openInformers(client, { clock, log: noLog });
    await create("first");
    informer = informers.of(configMap) as unknown as Informer<KubeObject>;
    await informer.synced;
  });
  afterEach(() => informers[Symbol.asyncDispose]());

  test("holds what was there and what comes", async () => {
    await create("second", "red", "other");
    await vi.waitFor(() => expect(names(informer.list())).toEqual(["first", "second"]));
    expect(names(informer.list("other"))).toEqual(["second"]);
    await remove("first");
    await vi.waitFor(() => expect(names(informer.list())).toEqual(["second"]));
  });

  test("holds the server's own objects, not copies", async () => {
    expect(informer.get({ namespace: "default", name: "first" })).toBe(
      await client.get(configMap, { namespace: "default", name: "first" }),
    );
  });

  test("keeps only who the objects are for those who need no more, unless it has them whole", async () => {
    const lean = openInformers(client, { clock, log: noLog });
    const identities = lean.of(configMap, { keeps: "identity" });
    await identities.synced;
    await client.create(configMap, {
      metadata: { name: "second", namespace: "default", finalizers: ["a/b"], labels: { colour: "red" } },
      data: { much: "text" },
    });
    await vi.waitFor(() => expect(names(identities.list())).toEqual(["first", "second"]));
    const { metadata, ...rest } = identities.get({ namespace: "default", name: "second" })!;
    expect(rest).toEqual({ apiVersion: "v1", kind: "ConfigMap" });
    expect(metadata).toMatchObject({ name: "second", namespace: "default", finalizers: ["a/b"] });
    expect(metadata.labels).toBeUndefined();
    expect(informers.of(configMap, { keeps: "identity" })).toBe(informer);
    await lean[Symbol.asyncDispose]();
  });

  test("finds by an index, before and after changes", async () => {
    expect(names(informer.by(byColour, "red"))).toEqual(["first"]);
    await create("second");
    await create("third", "blue");
    await remove("first");
    await vi.waitFor(() => expect(names(informer.by(byColour, "red"))).toEqual(["second"]));
    expect(names(informer.by(byColour, "blue"))).toEqual(["third"]);
  });

  test("tells a listener what is there and each change, and survives one that throws", async () => {
    const changes: string[] = [];
    informer.onChange(() => {
      throw new Error("a broken listener");
    });
    informer.onChange((change) => changes.push(`${change.key.name} ${shown(change)}`));
    const first = await client.get(configMap, { namespace: "default", name: "first" });
    await client.update(configMap as never, { ...first, data: { a: "1" } } as never);
    await remove("first");
    await vi.waitFor(() => expect(changes).toEqual(["first is", "first wasis", "first was"]));
  });

  test("resumes where a watch ended", async () => {
    transport.endWatches();
    await create("second");
    await clock.advance(2000);
    await vi.waitFor(() => expect(names(informer.list())).toEqual(["first", "second"]));
  });

  test("lists again when the events in between are gone, and tells what changed meanwhile", async () => {
    const changes: string[] = [];
    informer.onChange((change) => changes.push(`${change.key.name} ${shown(change)}`));
    let broken = true;
    const watch = transport.watch;
    transport.watch = (request, signal) => {
      if (broken) throw new StatusError("ServiceUnavailable", "not now");
      return watch(request, signal);
    };
    transport.endWatches();
    await remove("first");
    await create("first");
    await create("second");
    transport.compact();
    broken = false;
    await clock.advance(10_000);
    await vi.waitFor(() => expect(changes).toEqual(["first is", "first was", "first is", "second is"]));
  });

  test("says when a write has been seen, and that one from before was", async () => {
    const second = await create("second");
    await informer.seen(second.metadata.resourceVersion ?? "");
    expect(names(informer.list())).toEqual(["first", "second"]);
    await informer.seen("1");
  });

  test("is one for all who ask for the same, and waits for no timer", () => {
    expect(informers.of(configMap)).toBe(informer);
    expect(informers.of(configMap, { namespace: "default" })).not.toBe(informer);
    expect(clock.waiting).toBe(0);
  });
});
