import https from "node:https";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { adminToken, startApiServer } from "../support/api-server.ts";

interface Reply {
  readonly status: number;
  readonly text: string;
}

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** One request over HTTP/1.1; a watch is cut off by its timeoutSeconds. */
function ask(method: string, path: string, body?: unknown, contentType = "application/json"): Promise<Reply> {
  const payload = body === undefined ? "" : JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${adminToken.token}`,
    ...(payload && { "content-type": contentType, "content-length": Buffer.byteLength(payload) }),
  };
  return new Promise((resolve, reject) => {
    const request = https.request(server.url + path, { method, headers, rejectUnauthorized: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
    });
    request.on("error", reject).end(payload);
  });
}

const maps = "/api/v1/namespaces/default/configmaps";
const named = (name: string) => ({ metadata: { name }, data: { k: "v" } });

describe("the API server alone", () => {
  test("Events are found by the fields of either group, whichever group they came through", async () => {
    const event = {
      metadata: { name: "seen" },
      regarding: { kind: "Pod", name: "web", namespace: "default" },
      reason: "Seen",
      action: "Looking",
      type: "Normal",
      eventTime: "2026-01-01T00:00:00.000000Z",
      reportingController: "a-controller",
      reportingInstance: "one",
    };
    const [events, core] = ["/apis/events.k8s.io/v1/namespaces/default/events", "/api/v1/namespaces/default/events"];
    expect((await ask("POST", events, event)).status).toBe(201);
    const found = async (path: string, selector: string): Promise<string[]> =>
      JSON.parse((await ask("GET", `${path}?fieldSelector=${encodeURIComponent(selector)}`)).text).items.map(
        (item: { metadata: { name: string } }) => item.metadata.name,
      );
    expect(await found(events, "reportingController=a-controller,regarding.name=web")).toEqual(["seen"]);
    expect(await found(events, "reportingController=another")).toEqual([]);
    expect(await found(core, "source=a-controller,involvedObject.name=web")).toEqual(["seen"]);
  });

  test("an object is created, read, changed, listed and deleted", async () => {
    expect((await ask("POST", maps, named("one"))).status).toBe(201);
    expect((await ask("POST", maps, named("one"))).status).toBe(409);
    const patched = await ask("PATCH", `${maps}/one`, { data: { k: "w" } }, "application/merge-patch+json");
    expect(JSON.parse(patched.text).data).toEqual({ k: "w" });
    const list = JSON.parse((await ask("GET", maps)).text);
    expect(list.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toContain("one");
    expect(list.items[0].kind).toBeUndefined();
    expect((await ask("DELETE", `${maps}/one`)).status).toBe(200);
    expect((await ask("GET", `${maps}/one`)).status).toBe(404);
  });

  test("a change that changes nothing gets no revision", async () => {
    const made = JSON.parse((await ask("POST", maps, named("same"))).text);
    const again = JSON.parse((await ask("PUT", `${maps}/same`, made)).text);
    expect(again.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
  });

  test("a watch tells what happened behind a revision, in order", async () => {
    const made = JSON.parse((await ask("POST", maps, named("seen"))).text);
    await ask("PATCH", `${maps}/seen`, { data: { k: "2" } }, "application/merge-patch+json");
    await ask("DELETE", `${maps}/seen`);
    const query = `watch=1&timeoutSeconds=1&resourceVersion=${made.metadata.resourceVersion}`;
    const { text } = await ask("GET", `${maps}?${query}&fieldSelector=metadata.name%3Dseen`);
    const events = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).type);
    expect(events).toEqual(["MODIFIED", "DELETED"]);
  });

  test("a part of the process sees the same objects, frozen", async () => {
    await ask("POST", maps, named("shared"));
    const transport = server.transportFor({ name: "admin", uid: "", groups: ["system:masters"], extra: {} });
    const at = { group: "", version: "v1", resource: "configmaps", namespace: "default", name: "shared" };
    const object = await transport.request({ verb: "get", ...at });
    expect(object).toMatchObject({ kind: "ConfigMap", data: { k: "v" } });
    expect(Object.isFrozen(object)).toBe(true);
  });

  test("who has no right is refused in Kubernetes' words", async () => {
    const transport = server.transportFor({ name: "bob", uid: "", groups: [], extra: {} });
    const at = { group: "", version: "v1", resource: "configmaps", namespace: "default", name: "x" };
    await expect(transport.request({ verb: "get", ...at })).rejects.toThrow(
      'configmaps "x" is forbidden: User "bob" cannot get resource "configmaps" in API group "" in the namespace "default"',
    );
  });

  test.each<[method: string, path: string, status: number]>([
    ["GET", "/", 200],
    ["GET", "/version", 200],
    ["HEAD", "/version", 405],
    ["POST", "/version", 405],
    ["GET", "/api", 200],
    ["GET", "/api/v1", 200],
    ["GET", "/api/v2", 404],
    ["HEAD", "/api/v1", 405],
    ["GET", "/apis/apps", 200],
    ["GET", "/apis/apps/", 200],
    ["HEAD", "/apis/apps", 405],
    ["DELETE", "/apis/apps", 405],
    ["GET", "/apis/none", 404],
    ["GET", "/apis/apps/v1", 200],
    ["HEAD", "/apis/apps/v1", 405],
    ["GET", "/apis/apps/v9", 404],
    ["GET", "/openapi/v3/apis/apps/v1", 200],
    ["HEAD", "/openapi/v2", 200],
    ["HEAD", "/metrics", 200],
    ["POST", "/livez", 200],
    ["GET", "/livez/ping", 200],
    ["GET", "/livez/none", 404],
    ["GET", "/openid/v1/jwks", 200],
    ["GET", "/nothing", 404],
  ])("%s %s is answered %i", async (method, path, status) => {
    expect((await ask(method, path)).status).toBe(status);
  });

  test("a custom resource is served as soon as its definition is accepted", async () => {
    const definition = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "things.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { plural: "things", kind: "Thing" },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: "object",
                properties: { spec: { type: "object", properties: { size: { type: "integer", default: 3 } } } },
              },
            },
          },
        ],
      },
    };
    const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    expect((await ask("POST", definitions, definition)).status).toBe(201);
    const things = "/apis/example.com/v1/namespaces/default/things";
    const thing = { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "a" }, spec: { other: 1 } };
    await vi.waitFor(async () => expect((await ask("GET", things)).status).toBe(200));
    const made = JSON.parse((await ask("POST", things, thing)).text);
    expect(made.spec).toEqual({ size: 3 });
    const wrong = await ask("POST", things, { ...thing, metadata: { name: "b" }, spec: { size: "x" } });
    expect([wrong.status, JSON.parse(wrong.text).message]).toEqual([
      422,
      'Thing.example.com "b" is invalid: spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
    ]);
  });
});
