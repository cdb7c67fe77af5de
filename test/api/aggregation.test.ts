import { once } from "node:events";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { apiService } from "../../src/api/kinds/apiregistration/api-service.ts";
import { service } from "../../src/api/kinds/core/service.ts";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { type Client, openClient } from "../../src/client/client.ts";
import { issueLeaf, makeAuthority } from "../../src/cluster/authority.ts";
import { adminToken, startApiServer } from "../support/api-server.ts";

interface Seen {
  readonly method: string | undefined;
  readonly path: string;
  readonly type: string | undefined;
  readonly user: string | undefined;
  readonly groups: string | undefined;
  body: string;
}

/** A server of an API of its own behind the API server, as metrics-server is one. */
describe("an API that another server serves", () => {
  let api: ApiServer;
  let client: Client;
  let extension: https.Server;
  let port = 0;
  let ca = "";
  let refuses = false;
  const seen: Seen[] = [];
  const group = { group: "metrics.k8s.io", version: "v1beta1" };
  const spec = (versionPriority: number) => ({
    ...group,
    groupPriorityMinimum: 100,
    versionPriority,
    caBundle: Buffer.from(ca).toString("base64"),
    service: { name: "metrics", namespace: "default", port },
  });
  const get = async (path: string): Promise<{ status: number; text: string }> => {
    const headers = { authorization: `Bearer ${adminToken.token}` };
    const request = https.get(`${api.url}${path}`, { headers, rejectUnauthorized: false });
    const [response] = await once(request, "response");
    let text = "";
    for await (const part of response) text += part;
    return { status: response.statusCode, text };
  };
  const condition = async () =>
    (await client.get(apiService, { name: "v1beta1.metrics.k8s.io" })).status?.conditions?.[0];

  beforeAll(async () => {
    const now = Date.now();
    const authority = await makeAuthority("extension", now);
    ca = authority.cert;
    const leaf = await issueLeaf(
      authority,
      { commonName: "metrics", usage: "server", sans: ["metrics.default.svc"] },
      { nowMs: now },
    );
    extension = https.createServer(leaf, async (request, response) => {
      const { url = "", headers, method } = request;
      const one: Seen = {
        method,
        path: url,
        type: headers["content-type"],
        user: String(headers["x-remote-user"]),
        groups: String(headers["x-remote-group"]),
        body: "",
      };
      seen.push(one);
      request.setEncoding("utf8").on("data", (part: string) => (one.body += part));
      await new Promise((ended) => request.once("close", ended));
      if (refuses) {
        response.writeHead(403).end();
        return;
      }
      const list = { kind: "PodMetricsList", apiVersion: "metrics.k8s.io/v1beta1", metadata: {}, items: [] };
      const pods = { name: "pods", singularName: "", namespaced: true, kind: "PodMetrics", verbs: ["get", "list"] };
      const answer = url.endsWith("/v1beta1")
        ? { kind: "APIResourceList", apiVersion: "v1", groupVersion: "metrics.k8s.io/v1beta1", resources: [pods] }
        : list;
      response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
    });
    extension.listen(0, "127.0.0.1");
    await once(extension, "listening");
    port = (extension.address() as AddressInfo).port;
    api = await startApiServer();
    const admin = { name: "admin", uid: "", groups: ["system:masters"], extra: {} };
    client = openClient(api.transportFor(admin), { fieldManager: "test" });
  });
  afterAll(async () => {
    await api[Symbol.asyncDispose]();
    extension.closeAllConnections();
    extension.close();
  });

  test("is told to be unavailable while its Service is missing", async () => {
    await client.create(apiService, {
      metadata: { name: "v1beta1.metrics.k8s.io" },
      spec: spec(100),
    });
    await vi.waitFor(async () =>
      expect(await condition()).toMatchObject({ status: "False", reason: "ServiceNotFound" }),
    );
    expect(await get("/apis/metrics.k8s.io/v1beta1/namespaces/default/pods")).toMatchObject({ status: 503 });
  });

  test("is available when its server answers, and is discovered", async () => {
    await client.create(service, {
      metadata: { name: "metrics", namespace: "default" },
      spec: { type: "ExternalName", externalName: "127.0.0.1", ports: [{ port }] },
    });
    await vi.waitFor(async () => expect(await condition()).toMatchObject({ status: "True", reason: "Passed" }));
    expect((await get("/apis")).text).toContain('"name":"metrics.k8s.io"');
    expect((await get("/apis/metrics.k8s.io/v1beta1")).text).toContain("PodMetrics");
  });

  test("answers clients through the API server, which says who asks", async () => {
    const path = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=app%3Dweb";
    const { status, text } = await get(path);
    expect([status, JSON.parse(text).kind]).toEqual([200, "PodMetricsList"]);
    expect(seen.at(-1)).toMatchObject({ path, user: "admin", groups: "system:masters, system:authenticated" });
  });

  test("answers parts of the server's own process as well", async () => {
    const answer = await client.transport.request({ verb: "list", ...group, resource: "pods", namespace: "default" });
    expect(answer).toMatchObject({ kind: "PodMetricsList" });
  });

  test("tells parts of the server's own process what it serves", async () => {
    const found = await client.transport.discover(group.group, group.version);
    expect(found).toMatchObject([{ name: "pods", kind: "PodMetrics", namespaced: true, verbs: ["get", "list"] }]);
  });

  test("is sent patches and the wishes of deletions", async () => {
    const at = { ...group, resource: "pods", namespace: "default", name: "p" };
    await client.transport.request({ verb: "patch", ...at, patch: { type: "merge", document: { a: 1 } } });
    expect(seen.at(-1)).toMatchObject({ method: "PATCH", type: "application/merge-patch+json", body: '{"a":1}' });
    await client.transport.request({ verb: "delete", ...at, options: { propagationPolicy: "Background" } });
    expect(JSON.parse(seen.at(-1)?.body ?? "")).toMatchObject({ propagationPolicy: "Background" });
  });

  test("is not asked by clients until it has said what it serves", async () => {
    const path = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods";
    refuses = true;
    const before = seen.length;
    await client.update(apiService, {
      ...(await client.get(apiService, { name: "v1beta1.metrics.k8s.io" })),
      spec: spec(200),
    });
    await vi.waitFor(async () => expect(await condition()).toMatchObject({ reason: "FailedDiscoveryCheck" }));
    expect(await get(path)).toMatchObject({ status: 503, text: "service unavailable\n" });
    expect(seen.slice(before).map((one) => one.path)).not.toContain(path);
    refuses = false;
    await vi.waitFor(async () => expect(await get(path)).toMatchObject({ status: 200 }));
    await vi.waitFor(async () =>
      expect(await condition()).toMatchObject({ status: "True", message: "all checks passed" }),
    );
  });

  test("is found out when its server stops", async () => {
    extension.closeAllConnections();
    extension.close();
    expect(await get("/apis/metrics.k8s.io/v1beta1/namespaces/default/pods")).toMatchObject({ status: 503 });
    await vi.waitFor(async () => expect(await condition()).toMatchObject({ reason: "FailedDiscoveryCheck" }));
  });
});
