import { describe, expect, test } from "vitest";
import { Path } from "../../field.ts";
import type { JSONSchemaProps } from "../../schema/types.ts";
import { wrongWithChange, wrongWithNew } from "../testing/judge.ts";
import { customResourceDefinition } from "./custom-resource-definition.ts";
import { fieldFrom } from "./field-path.ts";

type Version = Record<string, unknown>;

const text: JSONSchemaProps = { type: "string" };

function version(more: Version = {}, spec: JSONSchemaProps = text): Version {
  const openAPIV3Schema = { type: "object", properties: { spec: { type: "object", properties: { a: spec } } } };
  return { name: "v1", served: true, storage: true, schema: { openAPIV3Schema }, ...more };
}

function definition(versions: Version[], more: object = {}): object {
  const names = { plural: "goods", kind: "Good" };
  return { spec: { group: "x.example.com", scope: "Namespaced", names, versions, ...more } };
}

const metadata = { name: "goods.x.example.com" };
const root = "spec.validation.openAPIV3Schema";
const a = `${root}.properties[spec].properties[a]`;

function wrongWith(versions: Version[], more: object = {}): string[] {
  return wrongWithNew(customResourceDefinition, definition(versions, more), metadata);
}

describe("the schema of a definition", () => {
  test.each<[what: string, schema: JSONSchemaProps, wrong: string[]]>([
    ["a text", text, []],
    ["no type", {}, [`${a}.type: Required value: must not be empty for specified object fields`]],
    ["whatever it may be", { "x-kubernetes-preserve-unknown-fields": true }, []],
    [
      "a number or a text",
      { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] },
      [],
    ],
    [
      "a type inside a condition",
      { type: "string", anyOf: [{ type: "string" }] },
      [`${a}.anyOf[0].type: Forbidden: must be empty to be structural`],
    ],
    [
      "a pattern that is none",
      { type: "string", pattern: "a(" },
      [
        `${a}.pattern: Invalid value: "a(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`a(\``,
      ],
    ],
    [
      "what JSON Schema has besides",
      { type: "object", definitions: { b: text }, $ref: "#/x" },
      [`${a}.definitions: Forbidden: definitions is not supported`, `${a}.$ref: Forbidden: $ref is not supported`],
    ],
    [
      "unknown fields kept, but not",
      { type: "object", "x-kubernetes-preserve-unknown-fields": false },
      [`${a}.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined`],
    ],
    [
      "a resource inside without anything",
      { type: "object", "x-kubernetes-embedded-resource": true },
      [
        `${a}.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields`,
      ],
    ],
    [
      "a default of another type",
      { type: "integer", default: "x" },
      [`${a}.default: Invalid value: "string":  in body must be of type integer: "string"`],
    ],
    [
      "a default with fields that nobody knows",
      { type: "object", properties: { b: text }, default: { c: 1 } },
      [`${a}.default: Invalid value: {"c":1}: must not have unknown fields`],
    ],
    [
      "a default that breaks a rule",
      { type: "integer", default: 1, "x-kubernetes-validations": [{ rule: "self > 2" }] },
      [`${a}.default: Invalid value: 1: failed rule: self > 2`],
    ],
    [
      "a list of items with keys that may be missing",
      {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["k", "z"],
        items: { type: "object", properties: { k: text } },
      },
      [
        `${a}.x-kubernetes-list-map-keys: Invalid value: ["k","z"]: entries must all be names of item properties`,
        `${a}.items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
      ],
    ],
    [
      "a set of maps that merge",
      { type: "array", "x-kubernetes-list-type": "set", items: { type: "object" } },
      [
        `${a}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`,
      ],
    ],
    [
      "how to merge what is no map",
      { type: "string", "x-kubernetes-map-type": "atomic" },
      [`${a}.type: Invalid value: "string": must be object if x-kubernetes-map-type is specified`],
    ],
    [
      "a rule of two lines without a message",
      { type: "string", "x-kubernetes-validations": [{ rule: "self\n== 'a'" }] },
      [
        `${a}.x-kubernetes-validations[0].message: Required value: message must be specified if rule contains line breaks`,
      ],
    ],
    [
      "a rule about changes in a map that is replaced as a whole",
      {
        type: "object",
        "x-kubernetes-map-type": "atomic",
        properties: { b: { type: "integer", "x-kubernetes-validations": [{ rule: "self >= oldSelf" }] } },
      },
      [],
    ],
  ])("%s", (_, schema, wrong) => {
    expect(wrongWith([version({}, schema)])).toEqual(wrong);
  });

  test.each<[what: string, schema: JSONSchemaProps, wrong: string[]]>([
    [
      "says no more of metadata than what names look like",
      { type: "object", properties: { metadata: { type: "object", description: "x" } } },
      [
        `${root}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
      ],
    ],
    [
      "fills in nothing of metadata",
      { type: "object", properties: { kind: { type: "string", default: "x" } } },
      [`${root}.properties[kind].default: Forbidden: must not be set in top-level kind`],
    ],
    [
      "may not be null",
      { type: "object", nullable: true },
      [`${root}.nullable: Forbidden: nullable cannot be true at the root`],
    ],
    [
      "is not of any fields",
      { type: "object", additionalProperties: text },
      [`${root}.additionalProperties: Forbidden: must not be used at the root`],
    ],
    [
      "declares what its conditions speak of",
      { type: "object", oneOf: [{ properties: { b: { minLength: 1 } } }] },
      [`${root}.properties[b]: Required value: because it is defined in ${root}.oneOf[0].properties[b]`],
    ],
    [
      "is of this world",
      { type: "object", $schema: "http://json-schema.org/schema" },
      [`${root}: Invalid value: "": OpenAPIV3Schema 'schema' is not supported`],
    ],
  ])("%s", (_, openAPIV3Schema, wrong) => {
    expect(wrongWith([version({ schema: { openAPIV3Schema } })])).toEqual(wrong);
  });

  test("has little beside its status when that has a subresource", () => {
    const openAPIV3Schema = { type: "object", maxProperties: 3 };
    const [wrong = ""] = wrongWith([version({ schema: { openAPIV3Schema }, subresources: { status: {} } })]);
    expect(wrong).toMatch(
      /^spec.validation.openAPIV3Schema: Invalid value: \{"ID":"","Schema":"",.*"MaxProperties":3,/,
    );
    expect(wrong).toContain("only [Description Type Format Title Maximum");
  });
});

describe("a definition", () => {
  const selectable = (jsonPath: string): Version => version({ selectableFields: [{ jsonPath }] });

  test.each<[what: string, versions: Version[], more: object, wrong: string[]]>([
    [
      "two versions for storage",
      [version(), version({ name: "v2" })],
      {},
      [
        expect.stringMatching(
          /^spec.versions: Invalid value: .*must have exactly one version marked as storage version$/,
        ),
        'status.storedVersions: Invalid value: ["v1"]: must have the storage version v2',
      ] as unknown as string[],
    ],
    [
      "what two versions have apart",
      [
        version({ additionalPrinterColumns: [{ name: "A", type: "string", jsonPath: ".a", format: "odd" }] }),
        version({ name: "v2", storage: false }),
      ],
      {},
      [
        'spec.versions[0].additionalPrinterColumns[0].format: Invalid value: "odd": must be one of byte,date,date-time,double,float,int32,int64,password',
      ],
    ],
    [
      "a long warning",
      [version({ deprecated: true, deprecationWarning: "é".repeat(129) })],
      {},
      [expect.stringContaining("must be <= 256 characters long")] as unknown as string[],
    ],
    [
      "a warning that is not printed",
      [version({ deprecated: true, deprecationWarning: "a\tb" })],
      {},
      [
        'spec.versions[0].deprecationWarning: Invalid value: "a\\tb": must only contain printable UTF-8 characters; non-printable character found at index 1',
      ],
    ],
    [
      "the item of a list to select by",
      [selectable(".spec['a']")],
      {},
      [
        "spec.selectableFields[0].jsonPath: Invalid value: \".spec['a']\": is an invalid path: array notation is not allowed",
      ],
    ],
    [
      "an object to select by",
      [selectable(".spec")],
      {},
      [
        'spec.selectableFields[0].jsonPath: Invalid value: ".spec": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
      ],
    ],
    [
      "a selector elsewhere",
      [
        version({
          subresources: {
            scale: { specReplicasPath: ".spec.a", statusReplicasPath: ".status.a", labelSelectorPath: ".meta.s" },
          },
        }),
      ],
      {},
      [
        'spec.subresources.scale.labelSelectorPath: Invalid value: ".meta.s": should be a json path under either .spec or .status',
      ],
    ],
    [
      "a webhook that knows one version twice",
      [version()],
      {
        conversion: {
          strategy: "Webhook",
          webhook: { clientConfig: { url: "https://a/b" }, conversionReviewVersions: ["v1", "v1", "V"] },
        },
      },
      [
        'spec.conversion.conversionReviewVersions[1]: Invalid value: "v1": duplicate version',
        expect.stringMatching(/conversionReviewVersions\[2\]: Invalid value: "V": a DNS-1035 label/),
      ] as unknown as string[],
    ],
  ])("%s", (_, versions, more, wrong) => {
    expect(wrongWith(versions, more)).toEqual(wrong);
  });

  test("keeps what rules cost as long as its schema stays", () => {
    const dear: JSONSchemaProps = {
      type: "array",
      items: text,
      "x-kubernetes-validations": [{ rule: "self.all(x, self.exists(y, x == y))" }],
    };
    const from = definition([version({}, dear)]);
    const perRule = (lines: string[]) => lines.filter((line) => line.includes("estimated rule cost exceeds"));
    expect(perRule(wrongWith([version({}, dear)]))).toHaveLength(1);
    expect(perRule(wrongWithChange(customResourceDefinition, from, definition([version({}, dear)])))).toEqual([]);
  });
});

describe("a path into a schema", () => {
  const schema: JSONSchemaProps = {
    type: "object",
    properties: { m: { type: "object", additionalProperties: { type: "object", properties: { "a.b": text } } } },
  };

  test.each<[path: string, found: string]>([
    [".m", "m"],
    [".m['x y']", "m[x y]"],
    [".m.x['a.b']", "m[x].a.b"],
    [".n", "does not refer to a valid field"],
    [".m.x['a.b'].c", "does not refer to a valid field"],
    ["m", "expected [ or . but got: m"],
    [".", "unexpected end of JSON path"],
    [".m[x]", "expected single quoted string but got x"],
    [".m['x'", "unexpected end of JSON path"],
    [".m['\\q']", "invalid string literal: invalid escape char \\q"],
  ])("%s", (path, found) => {
    const field = fieldFrom(path, schema, { from: new Path() });
    expect("problem" in field ? field.problem : field.place.toString()).toBe(found);
  });
});
