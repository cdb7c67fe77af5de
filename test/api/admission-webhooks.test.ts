import https from "node:https";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { AnyObject } from "../../src/api/object.ts";
import { StatusError } from "../../src/api/status.ts";
import type { InProcessTransport } from "../../src/apiserver/in-process.ts";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { adminToken, startApiServer } from "../support/api-server.ts";
import { startWebhook, type TestWebhook } from "../support/webhook.ts";

interface ReviewRequest {
  readonly uid: string;
  readonly name?: string;
  readonly operation: string;
  readonly kind: { readonly kind: string; readonly version: string };
  readonly object: AnyObject & { data?: Record<string, string> };
  readonly oldObject: AnyObject | null;
  readonly userInfo: { readonly username: string };
}

const admin = { name: "admin", uid: "", groups: ["system:masters"], extra: {} };
let server: ApiServer;
let hook: TestWebhook;
let client: InProcessTransport;
/** What nodes were asked for. */
const dialed: string[] = [];
let seen: { path: string; request: ReviewRequest }[] = [];

/** Connections over which the webhook was asked before. */
const used = new WeakSet<Duplex>();

/** What the webhook's paths answer. */
const answers: Record<string, (request: ReviewRequest) => Record<string, unknown> | Promise<Record<string, unknown>>> =
  {
    "/once": () => ({ allowed: true }),
    "/allow": () => ({ allowed: true, warnings: ["look out"] }),
    "/deny": () => ({ allowed: false, status: { message: "not today", code: 403, reason: "Forbidden" } }),
    "/silent": () => ({ allowed: false }),
    "/first": () => ({ allowed: true, ...patch({ op: "add", path: "/data/first", value: "yes" }) }),
    "/second": ({ object }) =>
      object.data?.first
        ? { allowed: true, ...patch({ op: "add", path: "/data/second", value: "yes" }) }
        : { allowed: true },
    "/init": () => ({
      allowed: true,
      ...patch({ op: "add", path: "/spec/initContainers", value: [{ name: "init", image: "i", unknown: 1 }] }),
    }),
    "/slow": () => new Promise(() => {}),
    "/odd": () => ({ allowed: true, uid: "another" }),
  };

function patch(...operations: unknown[]) {
  return { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(operations)).toString("base64") };
}

beforeAll(async () => {
  server = await startApiServer({
    nodes: {
      has: () => true,
      open: async (node, { method, path }) => {
        dialed.push(`${node} ${method} ${path}`);
        return { status: 200, headers: {}, stream: connect(hook.port, "127.0.0.1") };
      },
    },
  });
  client = server.transportFor(admin);
  const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } };
  await client.request({ verb: "create", ...maps, resource: "serviceaccounts", body: account });
  hook = await startWebhook(async (asked, path, connection) => {
    const request = asked as unknown as ReviewRequest;
    seen.push({ path, request });
    if (path === "/once" && used.has(connection)) connection.destroy();
    used.add(connection);
    return { uid: request.uid, ...(await answers[path]?.(request)) };
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await hook[Symbol.asyncDispose]();
});
beforeEach(async () => {
  seen = [];
  for (const sort of ["mutating", "validating"])
    await client.request({ verb: "deletecollection", ...registration, resource: `${sort}webhookconfigurations` });
});

const registration = { group: "admissionregistration.k8s.io", version: "v1" };
const maps = { group: "", version: "v1", resource: "configmaps", namespace: "default" };
const onMaps = [{ operations: ["*"], apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"] }];

interface Wanted {
  readonly sort?: "Mutating" | "Validating";
  readonly name?: string;
  readonly [field: string]: unknown;
}

async function configure(...webhooks: Wanted[]): Promise<void> {
  for (const [i, { sort = "Validating", path = "/allow", ...webhook }] of webhooks.entries())
    await client.request({
      verb: "create",
      ...registration,
      resource: `${sort.toLowerCase()}webhookconfigurations`,
      body: {
        ...registration,
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: `${sort}WebhookConfiguration`,
        metadata: { name: `c${i}` },
        webhooks: [
          {
            name: `w${i}.example.com`,
            clientConfig: hook.at(path as string),
            rules: onMaps,
            sideEffects: "None",
            admissionReviewVersions: ["v1"],
            // A slow machine is no webhook that does not answer.
            timeoutSeconds: 30,
            ...webhook,
          },
        ],
      } as unknown as AnyObject,
    });
}

let made = 0;
function aMap(more: Record<string, unknown> = {}): AnyObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: `map-${made++}`, ...more },
    data: { k: "v" },
  } as AnyObject;
}

function create(body: AnyObject): Promise<AnyObject> {
  return client.request({ verb: "create", ...maps, body }) as Promise<AnyObject>;
}

async function refusalOf(doing: Promise<unknown>): Promise<string> {
  try {
    await doing;
    return "";
  } catch (error) {
    if (error instanceof StatusError) return `${error.code} ${error.message}`;
    throw error;
  }
}

/** The body of what a request with these headers is answered with. */
function postTo(url: string, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { headers: { ...headers, authorization: `Bearer ${adminToken.token}` }, rejectUnauthorized: false };
    const request = https.request(url, options, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => resolve(Buffer.concat(parts).toString()));
    });
    request.on("error", reject).end();
  });
}

describe("admission webhooks", () => {
  test("are told who wants to do what, and may refuse it in their own words", async () => {
    await configure({ path: "/deny" });
    const body = aMap();
    expect(await refusalOf(create(body))).toBe('403 admission webhook "w0.example.com" denied the request: not today');
    expect(seen[0]?.request).toMatchObject({
      operation: "CREATE",
      name: body.metadata.name,
      kind: { kind: "ConfigMap", version: "v1" },
      userInfo: { username: "admin" },
      object: { kind: "ConfigMap", apiVersion: "v1", data: { k: "v" } },
      oldObject: null,
    });
  });

  test("that say nothing refuse all the same", async () => {
    await configure({ path: "/silent" });
    expect(await refusalOf(create(aMap()))).toBe(
      '400 admission webhook "w0.example.com" denied the request without explanation',
    );
  });

  test("are asked about changes and deletions too", async () => {
    const there = await create(aMap());
    await configure({ path: "/deny" });
    const { name } = there.metadata;
    const change = client.request({ verb: "update", ...maps, name, body: { ...there, data: { k: "w" } } as AnyObject });
    expect(await refusalOf(change)).toContain("denied the request");
    expect(await refusalOf(client.request({ verb: "delete", ...maps, name }))).toContain("denied the request");
    expect(seen.map(({ request }) => [request.operation, request.oldObject?.metadata.name])).toEqual([
      ["UPDATE", name],
      ["DELETE", name],
    ]);
  });

  test("change objects one after the other", async () => {
    await configure({ sort: "Mutating", path: "/first" }, { sort: "Mutating", path: "/second" });
    expect((await create(aMap())).data).toEqual({ k: "v", first: "yes", second: "yes" });
  });

  test("are asked again when a later one has changed what they saw", async () => {
    await configure(
      { sort: "Mutating", path: "/second", reinvocationPolicy: "IfNeeded" },
      { sort: "Mutating", path: "/first" },
    );
    expect((await create(aMap())).data).toEqual({ k: "v", first: "yes", second: "yes" });
    expect(seen.map(({ path }) => path)).toEqual(["/second", "/first", "/second"]);
  });

  test("get what they add completed and pruned like what a client wrote", async () => {
    await configure({
      sort: "Mutating",
      path: "/init",
      rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
    });
    const pods = { ...maps, resource: "pods" };
    const pod = (await client.request({
      verb: "create",
      ...pods,
      body: {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "p" },
        spec: { containers: [{ name: "c", image: "i" }] },
      } as AnyObject,
    })) as unknown as { spec: { initContainers: Record<string, unknown>[] } };
    expect(pod.spec.initContainers[0]).toMatchObject({ name: "init", terminationMessagePolicy: "File" });
    expect(pod.spec.initContainers[0]).not.toHaveProperty("unknown");
  });

  test.each<[what: string, webhook: Wanted, isAsked: boolean]>([
    ["its resources", { rules: [{ ...onMaps[0], resources: ["secrets"] }] }, false],
    ["its operations", { rules: [{ ...onMaps[0], operations: ["UPDATE"] }] }, false],
    ["its namespaces", { namespaceSelector: { matchLabels: { strict: "yes" } } }, false],
    [
      "its namespaces' names",
      { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "default" } } },
      true,
    ],
    ["its objects", { objectSelector: { matchLabels: { checked: "no" } } }, false],
    ["its conditions", { matchConditions: [{ name: "a", expression: "object.metadata.name == 'other'" }] }, false],
    [
      "conditions that hold",
      {
        matchConditions: [
          { name: "a", expression: "request.operation == 'CREATE' && !has(object.spec)" },
          {
            name: "b",
            expression: "authorizer.group('').resource('configmaps').namespace('default').check('get').allowed()",
          },
        ],
      },
      true,
    ],
  ])("are asked only about %s", async (_, webhook, isAsked) => {
    await configure(webhook);
    await create(aMap());
    expect(seen.length > 0).toBe(isAsked);
  });

  test("that cannot be reached let nothing pass, unless they may be left out", async () => {
    const nowhere = { url: "https://127.0.0.1:1/x" };
    await configure({ clientConfig: nowhere });
    expect(await refusalOf(create(aMap()))).toContain(
      '500 Internal error occurred: failed calling webhook "w0.example.com": failed to call webhook: Post "https://127.0.0.1:1/x?timeout=30s"',
    );
    await client.request({ verb: "deletecollection", ...registration, resource: "validatingwebhookconfigurations" });
    await configure({ clientConfig: nowhere, failurePolicy: "Ignore" });
    expect(await refusalOf(create(aMap()))).toBe("");
  });

  test("are asked again when they close the connection that was kept for them", async () => {
    await configure({ path: "/once" });
    // Where the machine is slow, the connection may have been given up before it is used again.
    await vi.waitFor(async () => {
      const before = seen.length;
      await create(aMap());
      expect(seen.length - before).toBe(2);
    });
  });

  test("that are too slow are not waited for", async () => {
    await configure({ path: "/slow", timeoutSeconds: 1 });
    expect(await refusalOf(create(aMap()))).toContain("context deadline exceeded");
  });

  test("whose certificate nobody vouches for are not believed", async () => {
    await configure({ clientConfig: { url: hook.at("/allow").url } });
    expect(await refusalOf(create(aMap()))).toContain("failed calling webhook");
    expect(seen).toEqual([]);
  });

  test("that answer another question are not believed", async () => {
    await configure({ path: "/odd" });
    expect(await refusalOf(create(aMap()))).toContain("received invalid webhook response: expected response.uid=");
  });

  test("are reached as Services", async () => {
    await client.request({
      verb: "create",
      ...maps,
      resource: "services",
      body: {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "hook" },
        spec: { type: "ExternalName", externalName: "localhost" },
      } as unknown as AnyObject,
    });
    const service = { namespace: "default", name: "hook", path: "/deny", port: hook.port };
    await configure({ clientConfig: { service, caBundle: hook.caBundle } });
    expect(await refusalOf(create(aMap()))).toContain("not today");
  });

  test("are reached in pods, through the nodes that run them", async () => {
    const service = { namespace: "default", name: "in-pod", path: "/deny", port: 443 };
    await client.request({
      verb: "create",
      ...maps,
      resource: "services",
      body: {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "in-pod" },
        spec: { ports: [{ name: "https", port: 443, targetPort: 8443 }] },
      } as unknown as AnyObject,
    });
    await configure({ clientConfig: { service, caBundle: hook.caBundle } });
    expect(await refusalOf(create(aMap()))).toContain(
      'Post "https://in-pod.default.svc:443/deny?timeout=30s": no endpoints available for service "in-pod"',
    );
    await client.request({
      verb: "create",
      ...maps,
      group: "discovery.k8s.io",
      resource: "endpointslices",
      body: {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: "in-pod-1", labels: { "kubernetes.io/service-name": "in-pod" } },
        addressType: "IPv4",
        ports: [{ name: "https", port: 8443, protocol: "TCP" }],
        endpoints: [
          {
            addresses: ["10.42.0.9"],
            conditions: { ready: true },
            nodeName: "node-one",
            targetRef: { kind: "Pod", namespace: "default", name: "hook-0" },
          },
        ],
      } as unknown as AnyObject,
    });
    expect(await refusalOf(create(aMap()))).toContain("not today");
    expect(dialed).toEqual(["node-one POST /portForward/default/hook-0?port=8443"]);
  });

  test("are asked about connections to pods", async () => {
    await configure({
      path: "/deny",
      rules: [{ operations: ["CONNECT"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods/attach"] }],
    });
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "attached" },
      spec: { nodeName: "n", automountServiceAccountToken: false, containers: [{ name: "c", image: "i" }] },
    };
    await client.request({ verb: "create", ...maps, resource: "pods", body: pod as unknown as AnyObject });
    const url = `${server.url}/api/v1/namespaces/default/pods/attached/attach?stdin=true`;
    const answer = await postTo(url, { connection: "Upgrade", upgrade: "websocket" });
    expect(answer).toContain("denied the request: not today");
    expect(seen.map(({ request }) => [request.operation, request.kind.kind, request.name])).toEqual([
      ["CONNECT", "PodAttachOptions", "attached"],
    ]);
  });

  test("are never asked about what decides who is asked", async () => {
    await configure({
      path: "/deny",
      rules: [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"] }],
    });
    const name = { ...registration, resource: "validatingwebhookconfigurations", name: "c0" };
    expect(await refusalOf(client.request({ verb: "delete", ...name }))).toBe("");
  });
});
