import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AnyObject } from "../../src/api/object.ts";
import { StatusError } from "../../src/api/status.ts";
import type { InProcessTransport } from "../../src/apiserver/in-process.ts";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { startApiServer } from "../support/api-server.ts";

const admin = { name: "admin", uid: "", groups: ["system:masters"], extra: {} };
const registration = { group: "admissionregistration.k8s.io", version: "v1" };
const maps = { group: "", version: "v1", resource: "configmaps", namespace: "default" };
const kinds = ["validating", "mutating"].flatMap((sort) => [
  `${sort}admissionpolicies`,
  `${sort}admissionpolicybindings`,
]);

let server: ApiServer;
let client: InProcessTransport;
beforeAll(async () => {
  server = await startApiServer();
  client = server.transportFor(admin);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  for (const resource of kinds) await client.request({ verb: "deletecollection", ...registration, resource });
});

async function register(kind: string, name: string, spec: unknown): Promise<void> {
  const resource = kind
    .toLowerCase()
    .replace(/policy$/, "policies")
    .replace(/binding$/, "bindings");
  const body = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name },
    spec,
  } as unknown as AnyObject;
  await client.request({ verb: "create", ...registration, resource, body });
}

const onDeployments = {
  resourceRules: [
    { operations: ["CREATE", "UPDATE"], apiGroups: ["apps"], apiVersions: ["v1"], resources: ["deployments"] },
  ],
};

async function validating(spec: Record<string, unknown>, binding: Record<string, unknown> = {}): Promise<void> {
  await register("ValidatingAdmissionPolicy", "p", { matchConstraints: onDeployments, ...spec });
  await register("ValidatingAdmissionPolicyBinding", "b", { policyName: "p", validationActions: ["Deny"], ...binding });
}

async function mutating(spec: Record<string, unknown>): Promise<void> {
  const policy = { matchConstraints: onDeployments, reinvocationPolicy: "Never", ...spec };
  await register("MutatingAdmissionPolicy", "p", policy);
  await register("MutatingAdmissionPolicyBinding", "b", { policyName: "p" });
}

let made = 0;
function createDeployment(replicas: number, labels: Record<string, string> = {}): Promise<AnyObject> {
  const name = `d-${made++}`;
  return client.request({
    verb: "create",
    ...maps,
    group: "apps",
    resource: "deployments",
    body: {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, labels },
      spec: {
        replicas,
        selector: { matchLabels: { app: "x" } },
        template: { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "i" }] } },
      },
    } as unknown as AnyObject,
  }) as Promise<AnyObject>;
}

/** What is said when a Deployment is refused; "" when it is not. */
async function refusal(replicas: number, labels: Record<string, string> = {}): Promise<string> {
  try {
    await createDeployment(replicas, labels);
    return "";
  } catch (error) {
    if (error instanceof StatusError)
      return `${error.code} ${error.reason} ${error.message.replace(/"d-\d+"/, "NAME")}`;
    throw error;
  }
}

describe("validating admission policies", () => {
  test("refuse what does not hold to them", async () => {
    await validating({ validations: [{ expression: "object.spec.replicas > 1", message: "too few" }] });
    expect(await refusal(1)).toBe(
      "422 Invalid deployments.apps NAME is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: too few",
    );
    expect(await refusal(2)).toBe("");
  });

  test.each<[name: string, spec: Record<string, unknown>, said: string]>([
    [
      "variables, which are looked at when they are needed",
      {
        variables: [
          { name: "replicas", expression: "object.spec.replicas" },
          { name: "odd", expression: "variables.replicas % 2 == 1" },
          { name: "unneeded", expression: "1 / 0" },
        ],
        validations: [{ expression: "variables.odd", messageExpression: "'not ' + string(variables.replicas)" }],
      },
      "not 2",
    ],
    [
      "who asks",
      { validations: [{ expression: "request.userInfo.username != 'admin'" }] },
      "failed expression: request.userInfo.username != 'admin'",
    ],
    [
      "the namespace",
      { validations: [{ expression: "namespaceObject.metadata.name == 'other'", message: "not here" }] },
      "not here",
    ],
    [
      "what somebody may do",
      {
        validations: [
          {
            expression: "authorizer.serviceAccount('default', 'a').group('').resource('pods').check('get').allowed()",
            message: "may not",
          },
        ],
      },
      "may not",
    ],
    [
      "what is not there",
      { validations: [{ expression: "object.spec.nothing == 1" }] },
      "expression 'object.spec.nothing == 1' resulted in error: no such key: nothing",
    ],
  ])("speak of %s", async (_, spec, said) => {
    await validating(spec);
    expect(await refusal(2)).toContain(`denied request: ${said}`);
  });

  test("give their own reasons", async () => {
    await validating({ validations: [{ expression: "false", reason: "Forbidden" }] });
    expect(await refusal(1)).toContain("403 Forbidden");
  });

  test("do not refuse where they may fail, nor where nothing binds them", async () => {
    await validating({ failurePolicy: "Ignore", validations: [{ expression: "object.spec.nothing == 1" }] });
    expect(await refusal(1)).toBe("");
    await register("ValidatingAdmissionPolicy", "unbound", {
      matchConstraints: onDeployments,
      validations: [{ expression: "false" }],
    });
    expect(await refusal(1)).toBe("");
  });

  test("are asked only about what matches and fulfils their conditions", async () => {
    await validating(
      {
        validations: [{ expression: "false", message: "no" }],
        matchConditions: [{ name: "checked", expression: "object.metadata.labels['checked'] == 'yes'" }],
      },
      { matchResources: { objectSelector: { matchLabels: { team: "a" } } } },
    );
    expect(await refusal(1, { team: "b", checked: "yes" })).toBe("");
    expect(await refusal(1, { team: "a", checked: "no" })).toBe("");
    expect(await refusal(1, { team: "a", checked: "yes" })).toContain("denied request: no");
  });

  test("take parameters from the objects that their bindings name", async () => {
    const paramKind = { apiVersion: "v1", kind: "ConfigMap" };
    const validations = [{ expression: "object.spec.replicas <= int(params.data.most)", message: "too many" }];
    const paramRef = { name: "limits", parameterNotFoundAction: "Deny" };
    await validating({ paramKind, validations }, { paramRef });
    expect(await refusal(1)).toContain("failed to configure binding: no params found for policy binding with `Deny`");
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "limits" }, data: { most: "2" } };
    await client.request({ verb: "create", ...maps, body: body as unknown as AnyObject });
    expect(await refusal(2)).toBe("");
    expect(await refusal(3)).toContain("too many");
  });
});

describe("mutating admission policies", () => {
  test("merge what they make into the object", async () => {
    const expression =
      "Object{metadata: Object.metadata{annotations: {'by': 'policy'}}, spec: Object.spec{replicas: object.spec.replicas + 1}}";
    await mutating({ mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression } }] });
    const { metadata, spec } = await createDeployment(1);
    expect(metadata.annotations).toMatchObject({ by: "policy" });
    expect(spec).toMatchObject({ replicas: 2, template: { spec: { containers: [{ name: "c" }] } } });
  });

  test("patch by operations", async () => {
    const expression =
      "[JSONPatch{op: 'add', path: '/metadata/labels', value: {}}, JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), value: 'c'}]";
    await mutating({ mutations: [{ patchType: "JSONPatch", jsonPatch: { expression } }] });
    expect((await createDeployment(1)).metadata.labels).toEqual({ "a/b": "c" });
  });

  test("refuse what they cannot change, unless they may fail", async () => {
    const mutations = [
      { patchType: "JSONPatch", jsonPatch: { expression: "[JSONPatch{op: 'remove', path: '/none/here'}]" } },
    ];
    await mutating({ mutations });
    expect(await refusal(1)).toContain("policy 'p' with binding 'b' denied request");
  });
});
