import { describe, expect, test } from "vitest";
import { wrongWithNew } from "../testing/judge.ts";
import { flowSchema } from "./flow-schema.ts";
import { priorityLevelConfiguration } from "./priority-level-configuration.ts";

const everything = {
  resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] }],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
};
const subject = { kind: "User", user: { name: "u" } };
const rule = "spec.rules[0]";

describe("FlowSchemas", () => {
  const wrongWith = (spec: object): string[] =>
    wrongWithNew(flowSchema, { spec: { priorityLevelConfiguration: { name: "exempt" }, ...spec } });

  test.each<[what: string, rules: object, wrong: string[]]>([
    ["a rule that is about everything", { subjects: [subject], ...everything }, []],
    ["nobody", everything, [`${rule}.subjects: Required value: subjects must contain at least one value`]],
    [
      "a user who is a group",
      { subjects: [{ kind: "User", group: { name: "g" } }], ...everything },
      [
        `${rule}.subjects[0].user: Required value: user is required when subject kind is 'User'`,
        `${rule}.subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'`,
      ],
    ],
    [
      "an account of no namespace",
      { subjects: [{ kind: "ServiceAccount", serviceAccount: { name: "*", namespace: "" } }], ...everything },
      [`${rule}.subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account`],
    ],
    [
      "a verb that is none",
      { subjects: [subject], nonResourceRules: [{ verbs: ["look"], nonResourceURLs: ["/a"] }] },
      [
        `${rule}.nonResourceRules[0].verbs: Unsupported value: ["look"]: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"`,
      ],
    ],
    [
      "a star in the middle of a path",
      { subjects: [subject], nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["/a/*/b"] }] },
      [`${rule}.nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a/*/b": wildcard can only do suffix matching`],
    ],
    [
      "a star beside a verb",
      {
        subjects: [subject],
        resourceRules: [{ verbs: ["*", "get"], apiGroups: ["*"], resources: ["*"], namespaces: ["*"] }],
      },
      [`${rule}.resourceRules[0].verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs`],
    ],
  ])("may have rules: %s", (_, rules, wrong) => expect(wrongWith({ rules: [rules] })).toEqual(wrong));

  test("one that every cluster has stays as it is", () => {
    const spec = { priorityLevelConfiguration: { name: "exempt" }, matchingPrecedence: 5 };
    const [wrong] = wrongWithNew(flowSchema, { spec }, { name: "exempt" });
    expect(wrong).toBe(
      'spec: Invalid value: {"PriorityLevelConfiguration":{"Name":"exempt"},"MatchingPrecedence":5,"DistinguisherMethod":null,"Rules":null}: spec of \'exempt\' must equal the fixed value',
    );
  });
});

describe("PriorityLevelConfigurations", () => {
  const queuing = (queuing: object) => ({
    type: "Limited",
    limited: { nominalConcurrencyShares: 1, limitResponse: { type: "Queue", queuing } },
  });

  test.each<[what: string, spec: object, wrong: string[]]>([
    ["queues", queuing({ queues: 64, handSize: 8, queueLengthLimit: 50 }), []],
    [
      "hands that a hash does not hold",
      queuing({ queues: 1024, handSize: 8, queueLengthLimit: 50 }),
      [
        "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 1024 and handSize 8 should not be greater than 60",
      ],
    ],
    [
      "a limit and none",
      { ...queuing({ queues: 64, handSize: 8, queueLengthLimit: 50 }), exempt: {} },
      ["spec.exempt: Forbidden: must be nil if the type is Limited"],
    ],
  ])("%s", (_, spec, wrong) => expect(wrongWithNew(priorityLevelConfiguration, { spec })).toEqual(wrong));

  test("how much the exempt level lends may be changed, within bounds", () => {
    const exempt = (lendablePercent: number) =>
      wrongWithNew(
        priorityLevelConfiguration,
        { spec: { type: "Exempt", exempt: { lendablePercent } } },
        { name: "exempt" },
      );
    expect(exempt(50)).toEqual([]);
    expect(exempt(101)).toEqual([
      "spec.exempt.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
    ]);
  });
});
