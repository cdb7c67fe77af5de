import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AnyObject } from "../../src/api/object.ts";
import type { InProcessTransport } from "../../src/apiserver/in-process.ts";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { startApiServer } from "../support/api-server.ts";
import { startWebhook, type TestWebhook } from "../support/webhook.ts";

interface ReviewRequest {
  readonly uid: string;
  readonly name?: string;
  readonly operation: string;
  readonly kind: { readonly group: string; readonly kind: string };
  readonly subResource?: string;
  readonly object: AnyObject & { spec?: { replicas?: number } };
  readonly oldObject: (AnyObject & { spec?: { replicas?: number } }) | null;
}

const registration = { group: "admissionregistration.k8s.io", version: "v1" };
const core = { group: "", version: "v1", namespace: "default" };
const pods = { ...core, resource: "pods", name: "web" };
const deployments = { group: "apps", version: "v1", namespace: "default", resource: "deployments", name: "web" };
const template = {
  metadata: { labels: { app: "web" } },
  spec: { automountServiceAccountToken: false, containers: [{ name: "c", image: "i" }] },
};

let server: ApiServer;
let hook: TestWebhook;
let client: InProcessTransport;
let seen: ReviewRequest[] = [];
/** What is done to what is posted to a path of the webhook. */
let patch: unknown[] | undefined;

const write = (at: object, body: object) => client.request({ verb: "create", ...at, body: body as AnyObject } as never);
const removeAll = (resource: string, at: object = core) =>
  client.request({ verb: "deletecollection", ...at, resource, options: { gracePeriodSeconds: 0 } } as never);
/** "CREATE eviction policy/Eviction web" of all that the webhook was asked. */
const asked = () =>
  seen.map(
    ({ operation, subResource, kind, name }) => `${operation} ${subResource} ${kind.group}/${kind.kind} ${name}`,
  );

async function configure(sort: "Mutating" | "Validating", ...resources: string[]): Promise<void> {
  const rules = [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources }];
  const webhook = {
    clientConfig: hook.at("/"),
    rules,
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    timeoutSeconds: 30,
  };
  await write(
    { ...registration, resource: `${sort.toLowerCase()}webhookconfigurations` },
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: `${sort}WebhookConfiguration`,
      metadata: { name: "all" },
      webhooks: [{ name: "all.example.com", ...webhook }],
    },
  );
}

beforeAll(async () => {
  server = await startApiServer();
  client = server.transportFor({ name: "admin", uid: "", groups: ["system:masters"], extra: {} });
  hook = await startWebhook(async (request) => {
    const review = request as unknown as ReviewRequest;
    seen.push(review);
    const changes = patch && { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") };
    return { uid: review.uid, allowed: true, ...changes };
  });
  await write({ ...core, resource: "serviceaccounts" }, { kind: "ServiceAccount", metadata: { name: "default" } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await hook[Symbol.asyncDispose]();
});
beforeEach(async () => {
  for (const sort of ["mutating", "validating"]) await removeAll(`${sort}webhookconfigurations`, registration);
  await removeAll("pods");
  await removeAll("deployments", { ...deployments, name: undefined });
  await write({ ...pods, name: undefined }, { kind: "Pod", metadata: { name: "web" }, spec: template.spec });
  await write(
    { ...deployments, name: undefined },
    { metadata: { name: "web" }, spec: { replicas: 1, selector: { matchLabels: { app: "web" } }, template } },
  );
  seen = [];
  patch = undefined;
});

describe("webhooks are asked about subresources", () => {
  test("in the kinds that are posted to them", async () => {
    await configure("Validating", "*/*");
    await write(
      { ...pods, subresource: "binding" },
      { apiVersion: "v1", kind: "Binding", metadata: { name: "web" }, target: { kind: "Node", name: "n1" } },
    );
    await write(
      { ...pods, subresource: "eviction" },
      { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "web" } },
    );
    await write(
      { ...core, resource: "serviceaccounts", name: "default", subresource: "token" },
      { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", metadata: {}, spec: {} },
    );
    expect(asked()).toEqual([
      "CREATE binding /Binding web",
      "CREATE eviction policy/Eviction web",
      "CREATE token authentication.k8s.io/TokenRequest default",
    ]);
  });

  test("and about reviews", async () => {
    await configure("Validating", "subjectaccessreviews");
    const resourceAttributes = { verb: "get", resource: "pods" };
    const spec = { user: "somebody", resourceAttributes };
    await write(
      { group: "authorization.k8s.io", version: "v1", resource: "subjectaccessreviews" },
      { metadata: {}, spec },
    );
    expect(seen.map(({ operation, kind }) => `${operation} ${kind.kind}`)).toEqual(["CREATE SubjectAccessReview"]);
  });

  test("of a Scale, which they may change", async () => {
    await configure("Mutating", "deployments/scale");
    await configure("Validating", "deployments/scale");
    patch = [{ op: "replace", path: "/spec/replicas", value: 3 }];
    seen = [];
    const scale = { apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name: "web", namespace: "default" } };
    const body = { ...scale, spec: { replicas: 2 } } as AnyObject;
    const answer = client.request({ verb: "update", ...deployments, subresource: "scale", body });
    expect(await answer).toMatchObject({ spec: { replicas: 3 } });
    expect(
      seen.map(({ object, oldObject }) => [oldObject?.kind, oldObject?.spec?.replicas, object.spec?.replicas]),
    ).toEqual([
      ["Scale", 1, 2],
      ["Scale", 1, 3],
    ]);
  });

  test("and may redirect a binding", async () => {
    await configure("Mutating", "pods/binding");
    patch = [{ op: "replace", path: "/target/name", value: "n2" }];
    await write(
      { ...pods, subresource: "binding" },
      { apiVersion: "v1", kind: "Binding", metadata: { name: "web" }, target: { kind: "Node", name: "n1" } },
    );
    expect(await client.request({ verb: "get", ...pods })).toMatchObject({ spec: { nodeName: "n2" } });
  });
});
