import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { adminToken, startApiServer } from "../support/api-server.ts";
import { ask } from "../support/ask.ts";

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const maps = "/api/v1/namespaces/default/configmaps";
const headers = { authorization: `Bearer ${adminToken.token}` };

function watch(query: string, { accept = "application/json", protocols = [] as string[] } = {}) {
  const socket = new WebSocket(server.url.replace("https", "wss") + maps + query, protocols, {
    headers: { ...headers, accept },
    rejectUnauthorized: false,
  });
  const messages: { data: Buffer; isBinary: boolean }[] = [];
  let refused: number | undefined;
  socket.on("message", (data, isBinary) => messages.push({ data: data as Buffer, isBinary }));
  socket.on("unexpected-response", (_request, response) => {
    refused = response.statusCode;
  });
  socket.on("error", () => {});
  return { socket, messages, refused: () => refused };
}

test("a watch comes as messages, an event each", async () => {
  await ask(server.url, "POST", maps, { body: { metadata: { name: "first" } } });
  const { socket, messages } = watch("?watch=true&fieldSelector=metadata.name!=kube-root-ca.crt");
  const seen = () =>
    messages.map(({ data, isBinary }) => {
      const { type, object } = JSON.parse(data.toString());
      return [type, object.metadata.name, isBinary];
    });
  await vi.waitFor(() => expect(seen()).toEqual([["ADDED", "first", false]]));
  await ask(server.url, "POST", maps, { body: { metadata: { name: "second" } } });
  await ask(server.url, "DELETE", `${maps}/first`);
  await vi.waitFor(() =>
    expect(seen()).toEqual([
      ["ADDED", "first", false],
      ["ADDED", "second", false],
      ["DELETED", "first", false],
    ]),
  );
  socket.close();
});

test("protobuf comes as bytes, without the length that a message has by itself", async () => {
  const { socket, messages } = watch("?watch=true", { accept: "application/vnd.kubernetes.protobuf" });
  await vi.waitFor(() => expect(messages.length).toBeGreaterThan(0));
  // A WatchEvent: field 1, the type.
  expect(messages[0]).toMatchObject({ isBinary: true });
  expect(messages[0]?.data.subarray(0, 7).toString()).toBe("\n\u0005ADDED");
  socket.close();
});

test("it ends when its time is over; a single protocol is the one that is spoken", async () => {
  const { socket } = watch("?watch=true&timeoutSeconds=1", { protocols: ["binary.k8s.io"] });
  await vi.waitFor(() => expect(socket.protocol).toBe("binary.k8s.io"));
  await vi.waitFor(() => expect(socket.readyState).toBe(WebSocket.CLOSED));
});

test("what cannot be watched is refused before the protocol changes", async () => {
  const { refused } = watch("?watch=true&labelSelector=a%20b%20c");
  await vi.waitFor(() => expect(refused()).toBe(400));
});

test("where there is nothing to change to, a request is answered as if it had not asked", async () => {
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "eA==",
  };
  expect((await ask(server.url, "GET", "/version", { headers })).status).toBe(200);
  expect((await ask(server.url, "GET", `${maps}/kube-root-ca.crt`, { headers })).status).toBe(404);
});
