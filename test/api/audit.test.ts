import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { startServer, type TestServer } from "../support/server.ts";

const directory = mkdtempSync(join(tmpdir(), "skiff-audit-"));
const [policy, file] = [join(directory, "policy.yaml"), join(directory, "audit.log")];
let server: TestServer;

interface AuditEvent {
  readonly stage: string;
  readonly level: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly objectRef?: { readonly resource?: string; readonly name?: string };
  readonly [field: string]: unknown;
}
const recorded = (): AuditEvent[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const about = (resource: string) => recorded().filter(({ objectRef }) => objectRef?.resource === resource);

beforeAll(async () => {
  writeFileSync(
    policy,
    `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: [nobody]}
- {level: RequestResponse, omitManagedFields: true, resources: [{group: "", resources: [configmaps]}]}
- {level: Metadata, resources: [{group: "", resources: [secrets]}]}
- {level: None}
`,
  );
  const args = [`audit-log-path=${file}`, `audit-policy-file=${policy}`, "audit-log-maxage=30"];
  server = await startServer({ flags: args.flatMap((arg) => ["--kube-apiserver-arg", arg]) });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

test("requests are recorded as the policy wants them", async () => {
  const maps = "/api/v1/namespaces/default/configmaps";
  await server.api.request("POST", maps, { metadata: { name: "m" }, data: { a: "b" } });
  await server.api.request("GET", `${maps}/absent`);
  await server.api.request("PATCH", `${maps}/m`, { data: { a: "c" } }, "application/merge-patch+json");
  await server.api.request("GET", "/api/v1/namespaces/default/pods");
  await server.api.request("POST", "/api/v1/namespaces/default/secrets", {
    metadata: { name: "s" },
    data: { k: "djE=" },
  });
  await eventually(() => expect([about("configmaps").length, about("secrets").length]).toEqual([3, 1]));

  const [created, absent, patched] = about("configmaps");
  expect(created).toMatchObject({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    stage: "ResponseComplete",
    requestURI: maps,
    verb: "create",
    user: { username: "system:admin", groups: expect.arrayContaining(["system:masters"]) },
    sourceIPs: ["127.0.0.1"],
    objectRef: { resource: "configmaps", namespace: "default", name: "m", apiVersion: "v1" },
    responseStatus: { metadata: {}, code: 201 },
    requestObject: { kind: "ConfigMap", data: { a: "b" } },
    responseObject: { kind: "ConfigMap", metadata: { name: "m" }, data: { a: "b" } },
    annotations: { "authorization.k8s.io/decision": "allow" },
  });
  expect(JSON.stringify(created)).not.toContain("managedFields");
  expect(absent).toMatchObject({ verb: "get", responseStatus: { status: "Failure", reason: "NotFound", code: 404 } });
  expect(patched).toMatchObject({ verb: "patch", requestObject: { data: { a: "c" } } });
  const [secret] = about("secrets");
  expect(secret).toMatchObject({ level: "Metadata", objectRef: { name: "s" }, responseStatus: { code: 201 } });
  expect(secret?.requestObject ?? secret?.responseObject).toBeUndefined();
  expect(about("pods")).toEqual([]);
});
