import https from "node:https";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => void (server = await startServer()));
afterAll(() => server?.[Symbol.asyncDispose]());

const path = "/api/v1/namespaces/default/configmaps";
/** Sends bytes as they are; the answer's status and Status object. */
function post(
  body: Buffer | string,
  contentType = "application/json",
  query = "",
): Promise<{
  status: number;
  body: { kind?: string; message?: string; reason?: string; code?: number; data?: Record<string, string> };
}> {
  return new Promise((resolve, reject) => {
    const request = https.request(
      `${server.api.server}${path}${query}`,
      {
        method: "POST",
        ...server.api.tls,
        headers: { "content-type": contentType, "content-length": Buffer.byteLength(body) },
      },
      (response) => {
        const parts: Buffer[] = [];
        response
          .on("data", (part) => parts.push(part))
          .on("end", () =>
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(parts).toString()) }),
          );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
const map = (data: string) => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":${data}}`;

describe("a body that is wrong is answered with Kubernetes' Status", () => {
  test.each<[what: string, body: Buffer | string, type: string, code: number, says: RegExp]>([
    [
      "malformed JSON",
      '{"apiVersion":',
      "application/json",
      400,
      /^unable to decode|unexpected|looks like|couldn't get version/i,
    ],
    ["malformed YAML", "a: [b", "application/yaml", 400, /yaml/],
    [
      "YAML that is not UTF-8",
      Buffer.from("kind: \xff", "latin1"),
      "application/yaml",
      400,
      /yaml: invalid leading UTF-8/,
    ],
    ["YAML whose aliases lead nowhere", "a: *b", "application/yaml", 400, /yaml: unknown anchor 'b' referenced/],
    [
      "malformed protobuf",
      Buffer.from("k8s\0\xff\xff\xff\xff", "latin1"),
      "application/vnd.kubernetes.protobuf",
      400,
      /proto|unexpected/i,
    ],
    ["a wrong type", map("[1]"), "application/json", 400, /cannot unmarshal array into Go struct field/],
    ["an unknown media type", "x", "text/csv", 415, /media type/],
    [
      "a body over 3 MiB",
      map(JSON.stringify({ a: "x".repeat(4 << 20) })),
      "application/json",
      413,
      /too large|limit is/i,
    ],
  ])("%s", async (_, body, type, code, says) => {
    const answer = await post(body, type);
    expect(answer).toMatchObject({
      status: code,
      body: { kind: "Status", code, message: expect.stringMatching(says) },
    });
  });

  test("bytes of JSON that are not UTF-8 are replaced, as Kubernetes does", async () => {
    const answer = await post(Buffer.from(map('{"a":"\xff"}').replace('"x"', '"utf"'), "latin1"));
    expect(answer).toMatchObject({ status: 201, body: { data: { a: "\ufffd" } } });
  });

  test("a misspelt field is pointed out by name", async () => {
    const answer = await post(
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"dta":{}}',
      "application/json",
      "?fieldValidation=Strict",
    );
    expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining('unknown field "dta"') } });
  });
});

test("a connection that speaks something else is closed, and disturbs no other", async () => {
  const plain = { host: "127.0.0.1", port: server.port };
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const words = [
    "\0\xff\x16\x03garbage",
    "GET / HTTP/9.9\r\n\r\n",
    "POST /api HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "GET /api HTTP/1.1\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n\r\n\x80\x03\0\x01",
    `GET /api HTTP/1.1\r\nX: ${"x".repeat(1 << 20)}\r\n\r\n`,
    `${preface}${"\xff".repeat(100)}`,
  ];
  const sockets = words.flatMap((text) => [
    connect(plain, function (this: Socket) {
      this.write(text, "latin1");
    }),
    connectTls(
      { ...plain, rejectUnauthorized: false, ALPNProtocols: [text.startsWith(preface) ? "h2" : "http/1.1"] },
      function (this: Socket) {
        this.write(text, "latin1");
      },
    ),
  ]);
  const closed = sockets.map(
    (socket) =>
      new Promise<void>((done) =>
        socket
          .on("error", () => {})
          .on("close", () => done())
          .resume(),
      ),
  );
  expect((await server.api.request("GET", "/readyz")).status).toBe(200);
  await Promise.all(closed);
  expect((await server.api.request("GET", "/readyz")).status).toBe(200);
});

test("an address may be as long as the command of an exec in it: a mebibyte", async () => {
  const exec = (length: number) => `/readyz?command=${"a".repeat(length)}`;
  expect((await server.api.request("GET", exec(200_000))).status).toBe(200);
  expect((await server.api.request("GET", exec(1 << 20))).status).toBe(431);
});

test("a thousand slow clients do not keep others from being served", { timeout: 120_000 }, async () => {
  const slow = Array.from({ length: 1000 }, (_, i) => {
    const options = { host: "127.0.0.1", port: server.port };
    // Half of them never finish the handshake, the others never finish their request.
    const socket =
      i % 2
        ? connect(options)
        : connectTls({ ...options, rejectUnauthorized: false }, () =>
            (socket as ReturnType<typeof connectTls>).write("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "),
          );
    return socket.on("error", () => socket.destroy());
  });
  for (let n = 0; n < 10; n++) expect((await server.api.request("GET", "/readyz")).status).toBe(200);
  for (const socket of slow) socket.destroy();
  expect((await server.api.request("GET", "/readyz")).status).toBe(200);
});
