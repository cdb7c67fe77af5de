import { describe, expect, test } from "vitest";
import { nodeFromSchema } from "../../api/schema/structural.ts";
import { typeNode } from "../../api/schema/table.ts";
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicySpec } from "../../api/schema/types.ts";
import { decide, type KnownKind } from "./decide.ts";

const crontab = nodeFromSchema({
  type: "object",
  properties: { spec: { type: "object", properties: { replicas: { type: "integer" } } } },
});
const kinds: KnownKind[] = [
  {
    group: "apps",
    version: "v1",
    kind: "Deployment",
    plural: "deployments",
    node: typeNode("io.k8s.api.apps.v1.Deployment"),
  },
  { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", node: typeNode("io.k8s.api.core.v1.ConfigMap") },
  { group: "stable.example.com", version: "v1", kind: "CronTab", plural: "crontabs", node: crontab },
];

function aPolicy(
  expression: string,
  {
    group = "apps",
    resource = "deployments",
    ...spec
  }: Partial<ValidatingAdmissionPolicySpec> & { group?: string; resource?: string } = {},
): ValidatingAdmissionPolicy {
  const rule = { apiGroups: [group], apiVersions: ["v1"], operations: ["CREATE"], resources: [resource] };
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: "p", generation: 1 },
    spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression }], ...spec },
  };
}
const warnings = (policy: ValidatingAdmissionPolicy) => decide(policy, kinds)?.typeChecking?.expressionWarnings ?? [];

describe("the types of a policy's expressions", () => {
  test("are said to fit", () => {
    expect(decide(aPolicy("object.spec.replicas > 1"), kinds)).toEqual({ observedGeneration: 1, typeChecking: {} });
  });

  test("are told where a field does not exist", () => {
    expect(warnings(aPolicy("object.spec.replcas > 1"))).toEqual([
      {
        fieldRef: "spec.validations[0].expression",
        warning:
          "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replcas'\n | object.spec.replcas > 1\n | ...........^\n",
      },
    ]);
  });

  test.each<[what: string, policy: ValidatingAdmissionPolicy, says: RegExp | undefined]>([
    ["of the wrong type", aPolicy('object.spec.replicas == "1"'), /found no matching overload for '_==_'/],
    ["that labels are fine", aPolicy("object.metadata.labels['a'] == 'b' && object.metadata.name != ''"), undefined],
    ["of numbers that may be texts", aPolicy("object.spec.strategy.rollingUpdate.maxSurge == '1'"), undefined],
    [
      "of a variable",
      aPolicy("variables.n == 'a'", { variables: [{ name: "n", expression: "object.spec.replicas" }] }),
      /found no matching overload/,
    ],
    [
      "of a custom kind",
      aPolicy("object.spec.replicas == 'a'", { group: "stable.example.com", resource: "crontabs" }),
      /stable.example.com\/v1, Kind=CronTab: ERROR/,
    ],
    [
      "of parameters",
      aPolicy("params.dat.a == 'b'", { paramKind: { apiVersion: "v1", kind: "ConfigMap" } }),
      /undefined field 'dat'/,
    ],
    ["of kinds that are not named", aPolicy("object.spec.replcas > 1", { resource: "*" }), undefined],
  ])("are told: %s", (_, policy, says) => {
    const [warning] = warnings(policy);
    if (says) expect(warning?.warning).toMatch(says);
    else expect(warning).toBeUndefined();
  });

  test("are looked at once for each change", () => {
    expect(decide({ ...aPolicy("true"), status: { observedGeneration: 1 } }, kinds)).toBeUndefined();
  });
});
