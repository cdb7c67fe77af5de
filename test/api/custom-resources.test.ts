import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { AnyObject } from "../../src/api/object.ts";
import { StatusError } from "../../src/api/status.ts";
import type { InProcessTransport } from "../../src/apiserver/in-process.ts";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { startApiServer } from "../support/api-server.ts";
import { startWebhook, type TestWebhook } from "../support/webhook.ts";

const admin = { name: "admin", uid: "", groups: ["system:masters"], extra: {} };
const definitions = { group: "apiextensions.k8s.io", version: "v1", resource: "customresourcedefinitions" };
const text = { type: "string" };

type Host = AnyObject & { spec?: unknown; hostPort?: string; host?: string; port?: string };

let server: ApiServer;
let client: InProcessTransport;
let hook: TestWebhook;
const reviews: { desiredAPIVersion: string; objects: Host[] }[] = [];

beforeAll(async () => {
  server = await startApiServer();
  client = server.transportFor(admin);
  hook = await startWebhook((asked) => {
    const { uid, ...request } = asked as unknown as (typeof reviews)[number] & { uid: string };
    reviews.push(request);
    const convertedObjects = request.objects.map((object) => converted(object, request.desiredAPIVersion));
    return { uid, result: { status: "Success" }, convertedObjects };
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await hook[Symbol.asyncDispose]();
});

/** v1 says "host:port" in one field, v2 in two. */
function converted({ hostPort = "", host, port, ...rest }: Host, apiVersion: string): Host {
  const [h, p] = hostPort.split(":");
  const fields = apiVersion.endsWith("v2") ? { host: h, port: p } : { hostPort: `${host}:${port}` };
  return { ...rest, ...fields, apiVersion } as unknown as Host;
}

function version(name: string, storage: boolean, properties: Record<string, unknown>): Record<string, unknown> {
  return { name, served: true, storage, schema: { openAPIV3Schema: { type: "object", properties } } };
}

async function define(group: string, spec: Record<string, unknown>): Promise<void> {
  const name = `things.${group}`;
  const body = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name },
    spec: { group, scope: "Namespaced", names: { plural: "things", kind: "Thing" }, ...spec },
  };
  await client.request({ verb: "create", ...definitions, body: body as unknown as AnyObject });
  await vi.waitFor(async () => {
    const there = (await client.request({ verb: "get", ...definitions, name })) as unknown as {
      status: { conditions: { type: string; status: string }[] };
    };
    expect(there.status.conditions).toContainEqual(expect.objectContaining({ type: "Established", status: "True" }));
  });
}

async function redefine(group: string, patch: unknown): Promise<void> {
  const name = `things.${group}`;
  await client.request({ verb: "patch", ...definitions, name, patch: { type: "merge", document: patch } });
}

function things(group: string, of: string) {
  return { group, version: of, resource: "things", namespace: "default" };
}
function thing(group: string, of: string, name: string, fields: Record<string, unknown>): AnyObject {
  return { apiVersion: `${group}/${of}`, kind: "Thing", metadata: { name }, ...fields } as unknown as AnyObject;
}

describe("custom resources", () => {
  test("of several versions are shown in each, whichever they were stored in", async () => {
    const group = "versions.example.com";
    const versions = [version("v1", true, { a: text }), version("v2", false, { a: text, b: text })];
    await define(group, { versions });
    await client.request({ verb: "create", ...things(group, "v1"), body: thing(group, "v1", "one", { a: "x" }) });
    await redefine(group, { spec: { versions: versions.map((one) => ({ ...one, storage: one.name === "v2" })) } });
    await vi.waitFor(async () => {
      const v2 = await client.request({ verb: "get", ...things(group, "v2"), name: "one" });
      expect(v2).toMatchObject({ apiVersion: `${group}/v2`, a: "x" });
    });
    // What is written before the definition's change is heard of is stored in the version of before.
    let turn = 0;
    await vi.waitFor(async () => {
      const b = `y${turn++}`;
      const patch = { type: "merge", document: { b } } as const;
      await client.request({ verb: "patch", ...things(group, "v2"), name: "one", patch });
      expect(await client.request({ verb: "get", ...things(group, "v1"), name: "one" })).toMatchObject({
        apiVersion: `${group}/v1`,
        b,
      });
    });
    const { status } = (await client.request({
      verb: "get",
      ...definitions,
      name: `things.${group}`,
    })) as unknown as { status: unknown };
    expect(status).toMatchObject({ storedVersions: ["v1", "v2"] });
  });

  test("get the defaults that their schema got after they were stored", async () => {
    const group = "defaults.example.com";
    await define(group, { versions: [version("v1", true, { a: text })] });
    await client.request({ verb: "create", ...things(group, "v1"), body: thing(group, "v1", "one", {}) });
    await redefine(group, { spec: { versions: [version("v1", true, { a: { ...text, default: "A" } })] } });
    await vi.waitFor(async () => {
      expect(await client.request({ verb: "get", ...things(group, "v1"), name: "one" })).toMatchObject({ a: "A" });
    });
    const list = (await client.request({ verb: "list", ...things(group, "v1") })) as unknown as { items: unknown[] };
    expect(list.items).toEqual([expect.objectContaining({ a: "A" })]);
  });

  test("are converted by a webhook, wherever they are read or written", async () => {
    const group = "webhook.example.com";
    const webhook = { clientConfig: hook.at("/convert"), conversionReviewVersions: ["v1"] };
    const versions = [version("v1", true, { hostPort: text }), version("v2", false, { host: text, port: text })];
    await define(group, { versions, conversion: { strategy: "Webhook", webhook } });
    const v1 = things(group, "v1");
    const v2 = things(group, "v2");
    const one = { hostPort: "a:1" };
    const two = { host: "b", port: "2" };
    await client.request({ verb: "create", ...v1, body: thing(group, "v1", "one", one) });
    expect(reviews).toEqual([]);
    const made = await client.request({ verb: "create", ...v2, body: thing(group, "v2", "two", two) });
    expect(made).toMatchObject({ apiVersion: `${group}/v2`, ...two });
    expect(await client.request({ verb: "get", ...v2, name: "one" })).toMatchObject({ host: "a", port: "1" });
    expect(await client.request({ verb: "get", ...v1, name: "two" })).toMatchObject({ hostPort: "b:2" });

    await redefine(group, { spec: { versions: versions.map((each) => ({ ...each, storage: each.name === "v2" })) } });
    await vi.waitFor(async () => {
      await client.request({ verb: "create", ...v2, body: thing(group, "v2", "three", { host: "c", port: "3" }) });
    });
    const list = (await client.request({ verb: "list", ...v2 })) as unknown as { items: Host[] };
    expect(list.items.map(({ host, port }) => `${host}:${port}`)).toEqual(["a:1", "c:3", "b:2"]);
    const patch = { type: "merge", document: { port: "9" } } as const;
    expect(await client.request({ verb: "patch", ...v2, name: "one", patch })).toMatchObject({ host: "a", port: "9" });
    expect(await client.request({ verb: "get", ...v1, name: "one" })).toMatchObject({ hostPort: "a:9" });

    const stop = new AbortController();
    const seen: unknown[] = [];
    for await (const { object } of client.watch({ ...v1 }, stop.signal)) {
      seen.push((object as Host).hostPort);
      if (seen.length === 3) stop.abort();
    }
    expect(seen).toEqual(["a:9", "c:3", "b:2"]);
  });

  test("are selected by the fields of the version that is asked for, whoever converts them", async () => {
    const group = "selected.example.com";
    const webhook = { clientConfig: hook.at("/convert"), conversionReviewVersions: ["v1"] };
    const byFields = (name: string, storage: boolean, fields: readonly string[]) => ({
      ...version(name, storage, Object.fromEntries(fields.map((field) => [field, text]))),
      selectableFields: fields.map((field) => ({ jsonPath: `.${field}` })),
    });
    const versions = [byFields("v1", true, ["hostPort"]), byFields("v2", false, ["host", "port"])];
    await define(group, { versions, conversion: { strategy: "Webhook", webhook } });
    const v2 = things(group, "v2");
    const stop = new AbortController();
    const seen: string[] = [];
    const fieldSelector = "host=a";
    const watching = (async () => {
      for await (const { type, object } of client.watch({ ...v2, fieldSelector }, stop.signal)) {
        seen.push(`${type} ${(object as AnyObject).metadata.name}`);
        if (seen.length === 4) stop.abort();
      }
    })();
    for (const [name, host, port] of [
      ["one", "a", "80"],
      ["two", "a", "8080"],
      ["three", "b", "80"],
    ] as const)
      await client.request({ verb: "create", ...v2, body: thing(group, "v2", name, { host, port }) });

    const selected = async (of: string, selector: string) => {
      const options = { fieldSelector: selector };
      const { items } = (await client.request({ verb: "list", ...things(group, of), options })) as unknown as {
        items: Host[];
      };
      return items.map(({ metadata }) => metadata.name);
    };
    expect(await selected("v2", "host=a")).toEqual(["one", "two"]);
    expect(await selected("v2", "host=a,port=80")).toEqual(["one"]);
    expect(await selected("v1", "hostPort=a:8080")).toEqual(["two"]);

    await vi.waitFor(() => expect(seen).toEqual(["ADDED one", "ADDED two"]));
    await client.request({ verb: "deletecollection", ...v2, options: { fieldSelector: "host=a,port=80" } });
    const patch = { type: "merge", document: { host: "b" } } as const;
    await client.request({ verb: "patch", ...v2, name: "two", patch });
    expect(await selected("v2", "host=a")).toEqual([]);
    expect(await selected("v2", "host=b")).toEqual(["three", "two"]);
    await watching;
    expect(seen).toEqual(["ADDED one", "ADDED two", "DELETED one", "DELETED two"]);
  });

  test("say when their webhook does not convert them", async () => {
    const group = "broken.example.com";
    const webhook = { clientConfig: { url: "https://127.0.0.1:1/convert" }, conversionReviewVersions: ["v1"] };
    const versions = [version("v1", true, { a: text }), version("v2", false, { a: text })];
    await define(group, { versions, conversion: { strategy: "Webhook", webhook } });
    await client.request({ verb: "create", ...things(group, "v1"), body: thing(group, "v1", "one", { a: "x" }) });
    const reading = client.request({ verb: "get", ...things(group, "v2"), name: "one" });
    await expect(reading).rejects.toThrow(StatusError);
    await expect(reading).rejects.toThrow(
      'conversion webhook for broken.example.com/v1, Kind=Thing failed: Post "https://127.0.0.1:1/convert?timeout=30s"',
    );
  });
});
