import https from "node:https";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { adminToken, startApiServer } from "../support/api-server.ts";
import { mutated, mutatedText, numRuns } from "./mutations.ts";

let server: ApiServer;
const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
const json = { "content-type": "application/json" };
beforeAll(async () => {
  server = await startApiServer();
  // No controller runs here, and no pod is taken without its account.
  const body = Buffer.from('{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}}');
  const path = "/api/v1/namespaces/default/serviceaccounts";
  expect((await ask({ method: "POST", path, headers: json, body })).status).toBe(201);
});
afterAll(async () => {
  agent.destroy();
  await server[Symbol.asyncDispose]();
});

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** The answer's status and body; of a watch only its status. */
function ask({ method, path, headers = {}, body }: Asked): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const all = { authorization: `Bearer ${adminToken.token}`, ...headers };
    const options = { agent, method, path, headers: all, port: server.port, host: "127.0.0.1" };
    const request = https.request(options, (response) => {
      const status = response.statusCode ?? 0;
      if (status === 200 && /[?&](watch|follow)=/.test(path)) {
        resolve({ status, body: "" });
        request.destroy();
        return;
      }
      const parts: Buffer[] = [];
      response.on("data", (part) => parts.push(part)).on("error", reject);
      response.on("end", () => resolve({ status, body: Buffer.concat(parts).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** Every answer is a success, or says in a Status what is wrong with the request: never an internal error. */
async function expectAnswer(asked: Asked): Promise<void> {
  const { status, body } = await ask(asked);
  // Kubernetes itself refuses some patches with a 500, without a reason.
  expect(body, `${asked.method} ${asked.path} ${asked.body ?? ""}`).not.toContain('"reason":"InternalError"');
  if (status >= 400 && body.startsWith("{")) expect(JSON.parse(body)).toMatchObject({ kind: "Status", code: status });
}

const maps = "/api/v1/namespaces/default/configmaps";
const paths = [
  "/api",
  "/apis",
  "/apis/apps/v1",
  "/version",
  "/healthz",
  "/openapi/v2",
  "/api/v1/pods",
  "/api/v1/watch/namespaces/default/pods/x",
  `${maps}/x`,
  "/api/v1/namespaces/default/pods/x/log",
  "/api/v1/namespaces/default/pods/x/proxy/a",
  "/api/v1/nodes/x/proxy/logs",
  "/apis/apps/v1/namespaces/default/deployments/x/scale",
];
const parameters = {
  labelSelector: mutatedText(["a=b,c in (d)"]),
  fieldSelector: mutatedText(["metadata.name=x"]),
  resourceVersion: mutatedText(["0", "1", "99999999999999999999"]),
  resourceVersionMatch: fc.constantFrom("Exact", "NotOlderThan", "x"),
  limit: mutatedText(["1", "-1", "1e9"]),
  continue: mutatedText(["eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0"]),
  watch: fc.constantFrom("1", "true", "x", ""),
  timeoutSeconds: mutatedText(["1", "0", "-1"]),
  sendInitialEvents: fc.constantFrom("true", "x"),
  dryRun: fc.constantFrom("All", "x"),
  fieldManager: mutatedText(["me"]),
  propagationPolicy: fc.constantFrom("Orphan", "x"),
  gracePeriodSeconds: mutatedText(["0", "x"]),
  tailLines: mutatedText(["1"]),
  pretty: fc.constantFrom("1", "x"),
};
const accepts = fc.constantFrom(
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  "application/json;as=Table;g=meta.k8s.io;v=v1",
  "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1;q=x",
  "*/*;;",
  "x",
);

test("a request with any path and any parameters is answered, never by an internal error", async () => {
  const path = fc.oneof(
    fc.constantFrom(...paths),
    mutatedText(paths).map((text) => `/${encodeURIComponent(text).replaceAll("%2F", "/")}`),
  );
  const query = fc.record(parameters, { requiredKeys: [] }).map((given) => new URLSearchParams(given).toString());
  const method = fc.constantFrom("GET", "GET", "HEAD", "DELETE", "POST", "PUT", "PATCH", "OPTIONS");
  await fc.assert(
    fc.asyncProperty(method, path, query, accepts, async (method, path, query, accept) => {
      await expectAnswer({ method, path: `${path}?${query}`, headers: { accept } });
    }),
    { numRuns: numRuns / 4 },
  );
});

const object = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "x",
    labels: { a: "b" },
    ownerReferences: [{ apiVersion: "v1", kind: "Node", name: "n", uid: "u" }],
  },
  spec: {
    containers: [
      { name: "c", image: "i", env: [{ name: "A", value: "1" }], ports: [{ containerPort: 80, protocol: "TCP" }] },
    ],
    tolerations: [{ key: "k", operator: "Exists" }],
  },
};
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "x" },
  spec: { type: "NodePort", ports: [{ port: 80, targetPort: "web", nodePort: 30080 }], clusterIP: "10.43.0.77" },
};
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "x" },
  spec: {
    replicas: 1,
    selector: { matchLabels: { a: "b" } },
    strategy: { rollingUpdate: { maxSurge: "25%" } },
    template: { metadata: { labels: { a: "b" } }, spec: object.spec },
  },
};
const collections = [
  ["/api/v1/namespaces/default/pods", object],
  ["/api/v1/namespaces/default/services", service],
  ["/apis/apps/v1/namespaces/default/deployments", deployment],
] as const;

test("an object with any content is taken or refused", async () => {
  const written = fc.constantFrom(...collections).chain(([path, seed]) =>
    fc.record({
      path: fc.constant(path),
      // Where values are: other values of every type in their places.
      body: fc.oneof(
        mutated([JSON.stringify(seed)]),
        fc
          .tuple(fc.nat(), fc.jsonValue({ maxDepth: 2 }))
          .map(([place, value]) => Buffer.from(JSON.stringify(withValueAt(seed, place, value)))),
      ),
    }),
  );
  await fc.assert(
    fc.asyncProperty(written, async ({ path, body }) => {
      await expectAnswer({
        method: "POST",
        path: `${path}?dryRun=All`,
        headers: json,
        body,
      });
    }),
    { numRuns: numRuns / 2 },
  );
});

test("a patch with any content is applied or refused", async () => {
  for (const [path, seed] of collections) {
    const answer = await ask({ method: "POST", path, headers: json, body: Buffer.from(JSON.stringify(seed)) });
    expect(answer.status, answer.body).toBe(201);
  }
  const jsonPatches = [
    JSON.stringify([{ op: "replace", path: "/spec/containers/0/image", value: "j" }]),
    JSON.stringify([
      { op: "move", from: "/metadata/labels", path: "/metadata/annotations" },
      { op: "test", path: "", value: 1 },
    ]),
    JSON.stringify([
      { op: "add", path: "/spec/tolerations/-", value: {} },
      { op: "remove", path: "/__proto__/a" },
    ]),
  ];
  const strategic = JSON.stringify({
    metadata: {
      $retainKeys: ["labels"],
      labels: { $patch: "replace", c: "d" },
      "$deleteFromPrimitiveList/finalizers": ["f"],
    },
    spec: { containers: [{ name: "c", $patch: "delete" }], "$setElementOrder/containers": [{ name: "c" }] },
  });
  const patch = fc.constantFrom(...collections).chain(([path, seed]) => {
    const anywhere = (value: object) =>
      fc
        .tuple(fc.nat(), fc.jsonValue({ maxDepth: 2 }))
        .map(([place, put]) => Buffer.from(JSON.stringify(withValueAt(value, place, put))));
    const whole = [JSON.stringify(seed), strategic];
    return fc.record({
      path: fc.constant(`${path}/x?dryRun=All&fieldManager=fuzz`),
      sort: fc.constantFrom("json", "merge", "strategic-merge", "apply"),
      body: fc.oneof(mutated([...jsonPatches, ...whole]), anywhere(seed), anywhere(JSON.parse(strategic))),
    });
  });
  await fc.assert(
    fc.asyncProperty(patch, async ({ path, sort, body }) => {
      const type = sort === "apply" ? "application/apply-patch+yaml" : `application/${sort}-patch+json`;
      await expectAnswer({ method: "PATCH", path, headers: { "content-type": type }, body });
    }),
    { numRuns },
  );
});

/** A copy with another value at the n-th place of all that it holds. */
function withValueAt(seed: object, place: number, value: unknown): unknown {
  const copy = structuredClone(seed) as Record<string, unknown>;
  const places: [Record<string, unknown>, string][] = [];
  const visit = (part: unknown): void => {
    if (typeof part !== "object" || part === null) return;
    for (const [name, inner] of Object.entries(part)) {
      places.push([part as Record<string, unknown>, name]);
      visit(inner);
    }
  };
  visit(copy);
  const [holder, name] = places[place % places.length] ?? [];
  if (holder && name !== undefined) holder[name] = value;
  return copy;
}
