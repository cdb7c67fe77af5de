import { describe, expect, test } from "vitest";
import { Path } from "../field.ts";
import type { JSONSchemaProps } from "../schema/types.ts";
import { beforeOf, nothingBefore } from "./correlate.ts";
import { checkRules, rulesFrom } from "./rules.ts";

function schemaWith(spec: JSONSchemaProps): JSONSchemaProps {
  return { type: "object", properties: { spec } };
}

function checked(spec: JSONSchemaProps, value: unknown, old?: unknown): { errors: string[]; warnings: string[] } {
  const warnings: string[] = [];
  const object = { metadata: { name: "n" }, spec: value };
  const before = old === undefined ? nothingBefore : beforeOf(object, { metadata: { name: "n" }, spec: old });
  const errors = checkRules(rulesFrom(schemaWith(spec)), object, {
    at: new Path(),
    before,
    warn: (text) => warnings.push(text),
  });
  return { errors: errors.map(({ field, message }) => `${field}: ${message}`), warnings };
}

const text: JSONSchemaProps = { type: "string" };
const immutable = { rule: "self == oldSelf", message: "may not change" };

describe("the rules of a custom resource's schema", () => {
  test.each<[name: string, spec: JSONSchemaProps, value: unknown, old: unknown, errors: string[]]>([
    [
      "name the value that does not hold, unless it is large",
      { type: "object", properties: { a: { type: "integer", "x-kubernetes-validations": [{ rule: "self > 2" }] } } },
      { a: 1 },
      undefined,
      ["spec.a: Invalid value: 1: failed rule: self > 2"],
    ],
    [
      "say what they want to say, where they want it",
      {
        type: "object",
        properties: { a: text },
        "x-kubernetes-validations": [
          {
            rule: "self.a != 'x'",
            messageExpression: "'not ' + self.a",
            fieldPath: ".a",
            reason: "FieldValueForbidden",
          },
        ],
      },
      { a: "x" },
      undefined,
      ["spec.a: Forbidden: not x"],
    ],
    [
      "say why they could not be evaluated",
      {
        type: "object",
        properties: { a: { type: "integer" } },
        "x-kubernetes-validations": [{ rule: "1 / self.a > 0" }],
      },
      { a: 0 },
      undefined,
      ['spec: Invalid value: "object": division by zero evaluating rule: 1 / self.a > 0'],
    ],
    [
      "about changes do not look at what is new",
      { type: "object", properties: { a: { ...text, "x-kubernetes-validations": [immutable] } } },
      { a: "x" },
      undefined,
      [],
    ],
    [
      "about changes compare with what was there",
      { type: "object", properties: { a: { ...text, "x-kubernetes-validations": [immutable] } } },
      { a: "x" },
      { a: "y" },
      ['spec.a: Invalid value: "x": may not change'],
    ],
    [
      "about changes find the item of a list by its keys",
      {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["k"],
        items: { type: "object", properties: { k: text, v: { ...text, "x-kubernetes-validations": [immutable] } } },
      },
      [
        { k: "b", v: "2" },
        { k: "a", v: "9" },
      ],
      [
        { k: "a", v: "1" },
        { k: "b", v: "2" },
      ],
      ['spec[1].v: Invalid value: "9": may not change'],
    ],
    [
      "see an old value that may be absent, when they ask for it",
      {
        type: "object",
        properties: {
          a: {
            type: "integer",
            "x-kubernetes-validations": [{ rule: "oldSelf.hasValue() || self == 1", optionalOldSelf: true }],
          },
        },
      },
      { a: 5 },
      undefined,
      ["spec.a: Invalid value: 5: failed rule: oldSelf.hasValue() || self == 1"],
    ],
    [
      "of allOf are rules too",
      { ...text, allOf: [{ "x-kubernetes-validations": [{ rule: "self.size() < 2" }] }] },
      "abc",
      undefined,
      ['spec: Invalid value: "abc": failed rule: self.size() < 2'],
    ],
    [
      "stop when one of them takes too long",
      {
        type: "array",
        items: { type: "integer" },
        "x-kubernetes-validations": [
          { rule: "self.all(a, self.all(b, self.all(c, a + b + c >= 0)))" },
          { rule: "false" },
        ],
      },
      Array.from({ length: 200 }, (_, i) => i),
      undefined,
      [
        "spec: Invalid value: \"array\": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: self.all(a, self.all(b, self.all(c, a + b + c >= 0)))",
      ],
    ],
  ])("%s", (_, spec, value, old, errors) => {
    expect(checked(spec, value, old).errors).toEqual(errors);
  });

  test("forgive what was so before, and say so", () => {
    const spec: JSONSchemaProps = {
      type: "object",
      properties: { a: { ...text, "x-kubernetes-validations": [{ rule: "false" }] } },
    };
    expect(checked(spec, { a: "x" }, { a: "x" })).toEqual({
      errors: [],
      warnings: ['spec.a: Invalid value: "x": failed rule: false'],
    });
  });
});
