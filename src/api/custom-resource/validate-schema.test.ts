import { describe, expect, test } from "vitest";
import { type FieldError, Path } from "../field.ts";
import type { JSONSchemaProps } from "../schema/types.ts";
import { beforeOf } from "./correlate.ts";
import { validateEmbedded } from "./embedded.ts";
import { hasFormat } from "./formats.ts";
import { validateListTypes } from "./list-types.ts";
import { validateSchema } from "./validate-schema.ts";

const root = new Path();

function lines(errors: readonly FieldError[]): string[] {
  return errors.map(({ field, message }) => `${field}: ${message}`);
}

/** A schema whose field x is of the given one. */
function withX(x: JSONSchemaProps): JSONSchemaProps {
  return { type: "object", properties: { x } };
}

describe("a custom resource's schema", () => {
  test.each<[schema: JSONSchemaProps, value: unknown, errors: string[]]>([
    [{ type: "string", minLength: 2 }, "a", ['x: Invalid value: "a": x in body should be at least 2 chars long']],
    [{ type: "string", maxLength: 1, pattern: "^b" }, "aa", ["x: Too long: may not be more than 1 byte"]],
    [{ type: "string" }, 5, ['x: Invalid value: "integer": x in body must be of type string: "integer"']],
    [{ type: "integer", maximum: 9 }, 11, ["x: Invalid value: 11: x in body should be less than or equal to 9"]],
    [
      { type: "number", minimum: 0, exclusiveMinimum: true },
      0,
      ["x: Invalid value: 0: x in body should be greater than 0"],
    ],
    [
      { type: "integer", multipleOf: 2 },
      2.5,
      [
        'x: Invalid value: "number": x in body must be of type integer: "number"',
        '<nil>: Invalid value: "": Checked value must be of type integer (default format) in x',
        "x: Invalid value: 2.5: x in body should be a multiple of 2",
      ],
    ],
    [{ type: "array", maxItems: 1 }, [1, 2], ["x: Too many: 2: must have at most 1 item"]],
    [{ type: "object", required: ["k"] }, {}, ["x.k: Required value"]],
    [
      { type: "object", minProperties: 2, required: ["k"] },
      {},
      ["x: Invalid value: 0: x in body should have at least 2 properties"],
    ],
    [{ type: "string", nullable: true }, null, []],
    [{ type: "string", nullable: true, enum: ["a"] }, null, ['x: Unsupported value: null: supported values: "a"']],
    [{ type: "string" }, null, ['x: Invalid value: "null": x in body must be of type string: "null"']],
    [{ "x-kubernetes-int-or-string": true }, "5%", []],
    [{ enum: ["a", "b"] }, "c", ['x: Unsupported value: "c": supported values: "a", "b"']],
    [
      { type: "integer", enum: [1] },
      "c",
      [
        'x: Invalid value: "string": x in body must be of type integer: "string"',
        'x: Unsupported value: "c": supported values: "1"',
      ],
    ],
    [{ type: "string", format: "date" }, 5, ['x: Invalid value: "int64": x in body must be of type date: "int64"']],
    [{ type: "string", format: "date" }, "x", ['x: Invalid value: "x": x in body must be of type date: "x"']],
    [{ not: { required: ["p"] } }, { p: 1 }, ['<nil>: Invalid value: "": "x" must not validate the schema (not)']],
    [
      { oneOf: [{ required: ["p"] }, { required: ["q"] }] },
      { p: 1, q: 2 },
      ['<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
    ],
    [
      { oneOf: [{ required: ["p"] }, { required: ["q"] }] },
      {},
      [
        '<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found none valid',
        "x.p: Required value",
      ],
    ],
    [
      { allOf: [{ required: ["p"] }, { required: ["q"] }] },
      { q: 1 },
      ["x.p: Required value", '<nil>: Invalid value: "": "x" must validate all the schemas (allOf)'],
    ],
    [
      { anyOf: [{ properties: { a: { enum: ["1"] }, b: { enum: ["1"] } } }, { properties: { a: { enum: ["2"] } } }] },
      { a: "1", b: "2" },
      [
        '<nil>: Invalid value: "": "x" must validate at least one schema (anyOf)',
        'x.b: Unsupported value: "2": supported values: "1"',
      ],
    ],
  ])("%j on %j", (schema, value, errors) => {
    expect(lines(validateSchema({ x: value }, withX(schema), root))).toEqual(errors);
  });

  test("forgives what is as it was", () => {
    const schema: JSONSchemaProps = { type: "object", properties: { a: { type: "string" }, b: { type: "string" } } };
    const before = beforeOf({ a: 1, b: 2 }, { a: 1, b: "x" });
    expect(lines(validateSchema({ a: 1, b: 2 }, schema, root, before))).toEqual([
      'b: Invalid value: "integer": b in body must be of type string: "integer"',
    ]);
  });

  test("of a part is told by its path from there", () => {
    const errors = validateSchema(
      { a: 1 },
      { type: "object", properties: { a: { type: "string" } } },
      new Path("status"),
    );
    expect(lines(errors)).toEqual(['status.a: Invalid value: "integer": a in body must be of type string: "integer"']);
  });
});

describe("lists with a type", () => {
  const items: JSONSchemaProps = { type: "object", properties: { k: { type: "string" }, l: { type: "string" } } };

  test.each<[schema: JSONSchemaProps, value: unknown[], errors: string[]]>([
    [{ "x-kubernetes-list-type": "set" }, ["a", "a", "a"], ['x[1]: Duplicate value: "a"']],
    [
      { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], items },
      [{ k: "1" }, { k: "1", l: "2" }, {}],
      ['x[1]: Duplicate value: {"k":"1"}'],
    ],
    [
      { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["l", "k"], items },
      [
        { l: "1", k: "2" },
        { k: "2", l: "1" },
      ],
      ['x[1]: Duplicate value: {"k":"2","l":"1"}'],
    ],
    [
      { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], items },
      [{ k: "1" }, "no"],
      ['x[1]: Invalid value: "no": must be an object for an array of list-type map'],
    ],
  ])("%j: %j", (schema, value, errors) => {
    expect(lines(validateListTypes({ x: value }, withX({ type: "array", ...schema }), root))).toEqual(errors);
  });
});

describe("resources inside others", () => {
  const embedded = withX({ type: "object", "x-kubernetes-embedded-resource": true });

  test.each<[value: object, errors: string[]]>([
    [{}, ["x.apiVersion: Required value", "x.kind: Required value"]],
    [
      { apiVersion: "a/b/c", kind: "" },
      [
        'x.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
        'x.kind: Invalid value: "": must not be empty',
      ],
    ],
    [{ apiVersion: "v1", kind: "Pod", metadata: { name: "a" } }, []],
  ])("%j", (x, errors) => {
    expect(lines(validateEmbedded({ x }, embedded, root))).toEqual(errors);
  });
});

describe("formats", () => {
  test.each<[format: string, good: string[], bad: string[]]>([
    ["date", ["2024-02-29", "0001-01-01"], ["2023-02-29", "2023-2-1", "yesterday"]],
    [
      "date-time",
      ["2024-01-02T03:04:05Z", "2024-01-02t03:04:05.6+07:00"],
      ["2024-01-02T03:04:05", "2024-01-02 03:04:05Z"],
    ],
    ["duration", ["1h30m", "2 weeks", "22 ns", "0"], ["soon", "5"]],
    ["uri", ["https://a/b", "/a", "mailto:x"], ["a/b", "", "https://a b"]],
    ["cidr", ["10.0.0.0/8", "fd00::/128"], ["10.0.0.0/33", "10.0.0.0"]],
    ["mac", ["00:00:5e:00:53:01", "00-00-5e-00-53-01", "0000.5e00.5301"], ["00:00-5e:00:53:01", "00:00:5e"]],
    ["ipv4", ["1.2.3.4"], ["1.2.3", "::1"]],
    ["byte", ["AAAA", "AA=="], ["", "%%"]],
    ["uuid4", ["1b4e28ba-2fa1-41d2-883f-0016d3cca427"], ["1b4e28ba-2fa1-11d2-883f-0016d3cca427"]],
    ["isbn10", ["0-306-40615-2"], ["0-306-40615-3"]],
    ["isbn13", ["978-0-306-40615-7"], ["978-0-306-40615-8"]],
    ["creditcard", ["4111 1111 1111 1111"], ["4111 1111 1111 1112"]],
    ["hostname", ["a.example.com", "localhost"], ["-a", "a..b"]],
    ["email", ["a@b.c", "A <a@b.c>"], ["a", "a@"]],
    ["k8s-short-name", ["abc"], ["a.b", "A"]],
    ["of-nobody", ["anything"], []],
  ])("%s", (format, good, bad) => {
    expect([...good, ...bad].filter((text) => hasFormat(text, format))).toEqual(good);
  });
});
