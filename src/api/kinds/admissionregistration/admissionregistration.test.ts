import { describe, expect, test } from "vitest";
import type { Kind } from "../../kind.ts";
import { wrongWithNew } from "../testing/judge.ts";
import { mutatingAdmissionPolicy } from "./mutating-admission-policy.ts";
import { mutatingWebhookConfiguration } from "./mutating-webhook-configuration.ts";
import { validatingAdmissionPolicy } from "./validating-admission-policy.ts";
import { validatingAdmissionPolicyBinding } from "./validating-admission-policy-binding.ts";

const rule = { operations: ["CREATE"], apiGroups: ["x"], apiVersions: ["v1"], resources: ["ys"] };
const matchConstraints = { resourceRules: [rule] };
const hook = {
  name: "a.hooks.example.com",
  clientConfig: { url: "https://hook.example.com/v" },
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
};

describe("webhooks", () => {
  test.each<[what: string, fields: object, wrong: string[]]>([
    ["a good one", {}, []],
    [
      "a version twice",
      { admissionReviewVersions: ["v1", "v1"] },
      ['webhooks[0].admissionReviewVersions[1]: Invalid value: "v1": duplicate version'],
    ],
    [
      "a path with an empty step",
      { clientConfig: { service: { name: "s", namespace: "n", path: "/a//b" } } },
      ['webhooks[0].clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty'],
    ],
    [
      "a resource that a star has named already",
      { rules: [{ ...rule, resources: ["pods/*", "pods/log"] }] },
      [
        "webhooks[0].rules[0].resources[1]: Invalid value: \"pods/log\": if 'pods/*' is present, must not specify pods/log",
      ],
    ],
    [
      "everything after something",
      { rules: [{ ...rule, resources: ["*", "pods"] }] },
      [
        'webhooks[0].rules[0].resources: Invalid value: ["*","pods"]: if \'*\' is present, must not specify other resources without subresources',
      ],
    ],
    ["something after everything", { rules: [{ ...rule, resources: ["pods", "*"] }] }, []],
    [
      "another way of being called again",
      { reinvocationPolicy: "Often" },
      ['webhooks[0].reinvocationPolicy: Unsupported value: "Often": supported values: "IfNeeded", "Never"'],
    ],
  ])("%s", (_, fields, wrong) =>
    expect(wrongWithNew(mutatingWebhookConfiguration, { webhooks: [{ ...hook, ...fields }] })).toEqual(wrong),
  );
});

describe("policies and their bindings", () => {
  const validations = [{ expression: "true" }];
  const expression = '[JSONPatch{op: "remove", path: "/a"}]';
  const mutations = [{ patchType: "JSONPatch", jsonPatch: { expression } }];

  test.each<[what: string, kind: Kind, spec: object, wrong: string[]]>([
    [
      "a name twice in a rule",
      validatingAdmissionPolicy,
      { validations, matchConstraints: { resourceRules: [{ ...rule, resourceNames: ["a", "a"] }] } },
      ['spec.matchConstraints.resourceRules[0].resourceNames[1]: Duplicate value: "a"'],
    ],
    [
      "parameters of no version",
      validatingAdmissionPolicy,
      { validations, matchConstraints, paramKind: { apiVersion: "example.com/", kind: "Limit" } },
      ['spec.paramKind.apiVersion: Invalid value: "example.com/": version must be specified'],
    ],
    [
      "a variable called like a word of CEL",
      validatingAdmissionPolicy,
      { validations, matchConstraints, variables: [{ name: "in", expression: "1" }] },
      ['spec.variables[0].name: Invalid value: "in": must be a valid CEL identifier'],
    ],
    [
      "rules about nothing",
      mutatingAdmissionPolicy,
      { mutations, matchConstraints: {}, reinvocationPolicy: "Never" },
      ["spec.matchConstraints.resourceRules: Required value"],
    ],
    [
      "a change of what is deleted",
      mutatingAdmissionPolicy,
      {
        mutations,
        matchConstraints: { resourceRules: [{ ...rule, operations: ["DELETE"] }] },
        reinvocationPolicy: "Never",
      },
      [
        'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
      ],
    ],
    [
      "a patch of one sort, said to be of the other",
      mutatingAdmissionPolicy,
      {
        mutations: [{ patchType: "ApplyConfiguration", jsonPatch: { expression: "[]" } }],
        matchConstraints,
        reinvocationPolicy: "Never",
      },
      [
        "spec.mutations[0].applyConfiguration: Required value: must be specified when patchType is ApplyConfiguration",
        'spec.mutations[0].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration',
      ],
    ],
    [
      "a patch that is a number",
      mutatingAdmissionPolicy,
      {
        mutations: [{ patchType: "JSONPatch", jsonPatch: { expression: " [1] " } }],
        matchConstraints,
        reinvocationPolicy: "Never",
      },
      [
        'spec.mutations[0].jsonPatch.expression: Invalid value: "[1]": must evaluate to list(JSONPatch) but got list(int)',
      ],
    ],
    [
      "a message that asks what somebody may do",
      validatingAdmissionPolicy,
      {
        validations: [
          { expression: "true", messageExpression: "authorizer.group('').resource('pods').check('get').reason()" },
        ],
        matchConstraints,
      },
      [expect.stringContaining("undeclared reference to 'authorizer'")] as unknown as string[],
    ],
    [
      "a message of two lines",
      validatingAdmissionPolicy,
      { validations: [{ expression: "1\n", message: "a\nb" }], matchConstraints },
      [
        'spec.validations[0].expression: Invalid value: "1\\n": must evaluate to bool but got int',
        'spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks',
      ],
    ],
    [
      "a patch of no sort",
      mutatingAdmissionPolicy,
      { mutations: [{ jsonPatch: { expression: "[]" } }], matchConstraints, reinvocationPolicy: "Never" },
      ["spec.mutations[0].patchType: Required value"],
    ],
    [
      "parameters by name and by labels",
      validatingAdmissionPolicyBinding,
      {
        policyName: "p",
        validationActions: ["Deny"],
        paramRef: { name: "a", selector: {}, parameterNotFoundAction: "Deny" },
      },
      [
        "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
        "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
      ],
    ],
    [
      "parameters that may be missing in another way",
      validatingAdmissionPolicyBinding,
      { policyName: "p", validationActions: ["Deny"], paramRef: { name: "a", parameterNotFoundAction: "Cry" } },
      ['spec.paramRef.parameterNotFoundAction: Unsupported value: "Cry": supported values: "Deny", "Allow"'],
    ],
  ])("%s", (_, kind, spec, wrong) => expect(wrongWithNew(kind, { spec })).toEqual(wrong));
});
