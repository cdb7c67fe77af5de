import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { auditPolicyFrom } from "../../src/apiserver/audit.ts";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { startApiServer } from "../support/api-server.ts";
import { ask } from "../support/ask.ts";
import { startWebhook, type TestWebhook } from "../support/webhook.ts";

interface Recorded {
  readonly objectRef?: { readonly resource?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

let server: ApiServer;
let hook: TestWebhook;
const recorded: Recorded[] = [];

beforeAll(async () => {
  const policy = auditPolicyFrom({
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived"],
    rules: [{ level: "Metadata" }],
  });
  const audit = {
    policy,
    write: (line: string) => void recorded.push(JSON.parse(line)),
    async [Symbol.asyncDispose]() {},
  };
  server = await startApiServer({ audit });
  hook = await startWebhook((asked) => ({ uid: asked.uid, allowed: true, auditAnnotations: { seen: "yes" } }));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await hook[Symbol.asyncDispose]();
});
beforeEach(() => void recorded.splice(0));

const post = async (path: string, body: object): Promise<number> =>
  (await ask(server.url, "POST", path, { body })).status;
const annotationsOf = async (resource: string) => {
  const find = () => recorded.find(({ objectRef }) => objectRef?.resource === resource)?.annotations;
  await vi.waitFor(() => expect(find()).toBeDefined());
  return find();
};

test("Pod Security tells by which standard a pod was judged, and what it lacks of the one that is only audited", async () => {
  const labels = { "pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/audit": "restricted" };
  expect(await post("/api/v1/namespaces", { metadata: { name: "n", labels } })).toBe(201);
  expect(await post("/api/v1/namespaces/n/serviceaccounts", { metadata: { name: "default" } })).toBe(201);
  const spec = { containers: [{ name: "c", image: "i" }] };
  expect(await post("/api/v1/namespaces/n/pods", { metadata: { name: "p" }, spec })).toBe(201);
  expect(await annotationsOf("pods")).toMatchObject({
    "pod-security.kubernetes.io/enforce-policy": "baseline:latest",
    "pod-security.kubernetes.io/audit-violations": expect.stringMatching(
      /^would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false/,
    ),
  });
});

test("policies add their annotations, and failures that are only to be audited", async () => {
  const policies = "/apis/admissionregistration.k8s.io/v1";
  const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] };
  await post(`${policies}/validatingadmissionpolicies`, {
    metadata: { name: "careful" },
    spec: {
      matchConstraints: { resourceRules: [rule] },
      validations: [{ expression: "true" }, { expression: "has(object.data)", message: "it is empty" }],
      auditAnnotations: [
        { key: "name", valueExpression: "'named ' + object.metadata.name" },
        { key: "none", valueExpression: "null" },
      ],
    },
  });
  await post(`${policies}/validatingadmissionpolicybindings`, {
    metadata: { name: "everywhere" },
    spec: { policyName: "careful", validationActions: ["Warn", "Audit"] },
  });
  await vi.waitFor(async () => {
    recorded.splice(0);
    await post("/api/v1/namespaces/default/configmaps", { metadata: { generateName: "m-", name: `m-${Date.now()}` } });
    expect(await annotationsOf("configmaps")).toHaveProperty(["careful/name"], expect.stringMatching(/^named m-/));
  });
  const annotations = await annotationsOf("configmaps");
  expect(annotations).not.toHaveProperty(["careful/none"]);
  expect(JSON.parse(annotations?.["validation.policy.admission.k8s.io/validation_failure"] ?? "")).toEqual([
    {
      message: "it is empty",
      policy: "careful",
      binding: "everywhere",
      expressionIndex: 1,
      validationActions: ["Warn", "Audit"],
    },
  ]);
});

test("webhooks add theirs under their name", async () => {
  await post("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", {
    metadata: { name: "w" },
    webhooks: [
      {
        name: "watcher.example.com",
        clientConfig: hook.at("/"),
        rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["secrets"] }],
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
        timeoutSeconds: 30,
      },
    ],
  });
  await vi.waitFor(async () => {
    recorded.splice(0);
    await post("/api/v1/namespaces/default/secrets", { metadata: { name: `s-${Date.now()}` } });
    expect(await annotationsOf("secrets")).toMatchObject({ "watcher.example.com/seen": "yes" });
  });
});
