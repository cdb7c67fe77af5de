import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { duplexPair } from "node:stream";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { Pod } from "../../src/api/schema/types.ts";
import type { NodeDialer, NodeResponse } from "../../src/apiserver/node-dialer.ts";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { proxyToPod } from "../../src/node/serve/proxy.ts";
import { adminToken, startApiServer } from "../support/api-server.ts";
import { ask } from "../support/ask.ts";

const reader = { token: "reader-token", user: "reader", uid: "u", groups: ["system:authenticated"] };
let server: ApiServer;
let behind: Server;

/** A node whose pods are all this process: what is proxied to one goes where its address says. */
const nodes: NodeDialer = {
  has: () => true,
  open: (_node, request, signal) =>
    new Promise<NodeResponse>((resolve, reject) => {
      const [stream, far] = duplexPair();
      const [, , , , , port, ...path] = request.path.split("/");
      const reply = {
        stream: far,
        signal: signal ?? new AbortController().signal,
        respond: (status: number, headers: Readonly<Record<string, string>> = {}) =>
          resolve({ status, headers, stream }),
      };
      const target = { scheme: "http", port: Number(port), path: `/${path.join("/")}` } as const;
      const pod = { metadata: { name: "p" }, status: { podIP: "127.0.0.1" } } as Pod;
      if (request.body) stream.end(request.body);
      proxyToPod({ pod, target, request }, reply).catch(reject);
    }),
};

beforeAll(async () => {
  behind = createServer((request, response) => response.writeHead(418, { "x-path": request.url }).end("no tea"));
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "chat" });
  behind.on("upgrade", (request, socket, head) => {
    if (request.url?.startsWith("/refuses"))
      return socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\nX-Why: rules\r\n\r\nnot so");
    sockets.handleUpgrade(request, socket, head, (accepted) => {
      accepted.send(`you asked for ${request.url}`);
      accepted.on("message", (data) => accepted.send(`heard ${data}`));
    });
  });
  await new Promise<void>((resolve) => behind.listen(0, "127.0.0.1", resolve));
  const { port } = behind.address() as AddressInfo;
  server = await startApiServer({ nodes, staticTokens: [adminToken, reader] });
  const post = (path: string, body: object) => ask(server.url, "POST", path, { body });
  const path = "/api/v1/namespaces/default";
  await post(`${path}/serviceaccounts`, { metadata: { name: "default" } });
  const spec = { nodeName: "n", containers: [{ name: "c", image: "i", ports: [{ containerPort: port }] }] };
  await post(`${path}/pods`, { metadata: { name: "p" }, spec });
  const status = { body: { status: { podIP: "127.0.0.1" } }, type: "application/merge-patch+json" };
  await ask(server.url, "PATCH", `${path}/pods/p/status`, status);
  await post(`${path}/services`, {
    metadata: { name: "s" },
    spec: { ports: [{ name: "web", port: 80, targetPort: port }] },
  });
  await post(`/apis/discovery.k8s.io/v1/namespaces/default/endpointslices`, {
    metadata: { name: "s-1", labels: { "kubernetes.io/service-name": "s" } },
    addressType: "IPv4",
    ports: [{ name: "web", port }],
    endpoints: [
      { addresses: ["10.42.0.9"], nodeName: "n", targetRef: { kind: "Pod", name: "p", namespace: "default" } },
    ],
  });
  const rules = [{ apiGroups: [""], resources: ["*"], verbs: ["get"] }];
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  await post(`${rbac}/clusterroles`, { metadata: { name: "reader" }, rules });
  await post(`${rbac}/clusterrolebindings`, {
    metadata: { name: "reader" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "reader" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "reader" }],
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  behind.closeAllConnections();
  behind.close();
});

function connect(path: string, token = adminToken.token) {
  const url = `${server.url.replace("https", "wss")}/api/v1/namespaces/default/${path}`;
  const socket = new WebSocket(url, ["chat"], {
    headers: { authorization: `Bearer ${token}` },
    rejectUnauthorized: false,
  });
  const heard: string[] = [];
  const refused: { status?: number | undefined; text?: string; why?: unknown } = {};
  socket.on("message", (data) => heard.push(String(data)));
  socket.on("unexpected-response", (_request, response) => {
    Object.assign(refused, { status: response.statusCode, why: response.headers["x-why"], text: "" });
    response.on("data", (part) => {
      refused.text += String(part);
    });
  });
  socket.on("error", () => {});
  return { socket, heard, refused };
}

describe("a connection through a proxy subresource may change its protocol", () => {
  test.each([["pods/p"], ["services/s:80"], ["services/s:web"]])("%s", async (target) => {
    const { socket, heard } = connect(`${target}/proxy/rooms/1?name=x`);
    await vi.waitFor(() => expect(heard).toEqual(["you asked for /rooms/1?name=x"]));
    expect(socket.protocol).toBe("chat");
    socket.send("hello");
    await vi.waitFor(() => expect(heard[1]).toBe("heard hello"));
    socket.close();
    await vi.waitFor(() => expect(socket.readyState).toBe(WebSocket.CLOSED));
  });

  test("what the pod says instead is passed on", async () => {
    const { refused } = connect("pods/p/proxy/refuses");
    await vi.waitFor(() => expect(refused).toEqual({ status: 403, text: "not so", why: "rules" }));
  });

  test("who may not use the proxy is refused", async () => {
    const { refused } = connect("pods/p/proxy/", "wrong");
    await vi.waitFor(() => expect(refused.status).toBe(401));
  });
});

test.each(["exec?command=ls&stdout=true", "attach?stdout=true", "portforward?ports=1"])(
  "who may get a pod's streams but not create them is refused: %s",
  async (stream) => {
    const { refused } = connect(`pods/p/${stream}`, reader.token);
    await vi.waitFor(() => expect(JSON.parse(refused.text ?? "")).toMatchObject({ code: 403 }));
    expect(JSON.parse(refused.text ?? "").message).toBe('pods "p" is forbidden: ');
  },
);
