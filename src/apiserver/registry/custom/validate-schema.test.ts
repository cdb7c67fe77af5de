import { describe, expect, test } from "vitest";
import { Path } from "../../../api/field.ts";
import type { JSONSchemaProps } from "../../../api/schema/types.ts";
import { validateSchema } from "./validate-schema.ts";

const at = new Path("spec.x");

describe("a custom resource's schema", () => {
  test.each<[schema: JSONSchemaProps, value: unknown, errors: string[]]>([
    [{ type: "string", minLength: 2 }, "a", ['Invalid value: "a": spec.x in body should be at least 2 chars long']],
    [{ type: "string" }, 5, ['Invalid value: "integer": spec.x in body must be of type string: "integer"']],
    [{ type: "integer", maximum: 9 }, 11, ["Invalid value: 11: spec.x in body should be less than or equal to 9"]],
    [
      { type: "number", minimum: 0, exclusiveMinimum: true },
      0,
      ["Invalid value: 0: spec.x in body should be greater than 0"],
    ],
    [{ type: "array", maxItems: 1 }, [1, 2], ["Too many: 2: must have at most 1 item"]],
    [{ type: "array", "x-kubernetes-list-type": "set" }, ["a", "a"], ['Duplicate value: "a"']],
    [{ type: "object", required: ["k"] }, {}, ["Required value"]],
    [{ type: "string", nullable: true }, null, []],
    [{ "x-kubernetes-int-or-string": true }, "5%", []],
    [{ enum: ["a", "b"] }, "c", ['Unsupported value: "c": supported values: "a", "b"']],
    [{ not: { required: ["p"] } }, { p: 1 }, ['Invalid value: "": "spec.x" must not validate the schema (not)']],
  ])("%j on %j", (schema, value, errors) => {
    expect(validateSchema(value, schema, at).map(({ message }) => message)).toEqual(errors);
  });
});
