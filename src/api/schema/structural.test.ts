import { describe, expect, test } from "vitest";
import { applySchemaDefaults } from "./defaults.ts";
import { parseJson } from "./json.ts";
import { decodeResource, nodeFromSchema } from "./structural.ts";
import type { JSONSchemaProps } from "./types.ts";

const schema: JSONSchemaProps = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: {
        a: { type: "string", default: "x" },
        n: { type: "string", nullable: true, default: "y" },
        l: {
          type: "array",
          items: { type: "object", properties: { n: { type: "string" }, d: { type: "integer", default: 3 } } },
        },
        keep: {
          type: "object",
          "x-kubernetes-preserve-unknown-fields": true,
          properties: { known: { type: "object", properties: { x: { type: "string" } } } },
        },
        emb: { type: "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true },
        map: { type: "object", additionalProperties: { type: "object", properties: { v: { type: "string" } } } },
      },
    },
  },
};
const node = nodeFromSchema(schema);
const read = (spec: object, rest: object = {}) =>
  decodeResource(
    parseJson(JSON.stringify({ apiVersion: "e/v1", kind: "Thing", metadata: { name: "x" }, spec, ...rest })),
    node,
  );

describe("custom resources", () => {
  test("prunes what the schema does not name, and says so in order", () => {
    const { object, strictErrors } = read(
      { zzz: 1, keep: { any: { deep: 1 }, known: { x: "1", pruned: 2 } }, l: [{ n: "1", bogus: 2 }] },
      { extra: true },
    );
    expect(strictErrors).toEqual([
      'unknown field "extra"',
      'unknown field "spec.keep.known.pruned"',
      'unknown field "spec.l[0].bogus"',
      'unknown field "spec.zzz"',
    ]);
    expect(object.spec).toEqual({ keep: { any: { deep: 1 }, known: { x: "1" } }, l: [{ n: "1" }] });
  });

  test("knows metadata, its own and that of objects inside", () => {
    const { object, strictErrors } = read(
      { emb: { apiVersion: "v1", kind: "Pod", metadata: { name: "x", bogus: 1 }, free: true } },
      { metadata: { name: "a", labels: null, nothing: 1 } },
    );
    expect(strictErrors).toEqual(['unknown field "metadata.nothing"', 'unknown field "spec.emb.metadata.bogus"']);
    expect(object).toMatchObject({ metadata: { name: "a" }, spec: { emb: { metadata: { name: "x" }, free: true } } });
    expect(() => read({}, { metadata: { labels: "text" } })).toThrow(
      "json: cannot unmarshal string into Go struct field ObjectMeta.labels of type map[string]string",
    );
  });

  test("tells fields that come twice", () => {
    const document = parseJson('{"metadata":{},"spec":{"a":"1","a":"2"}}');
    expect(decodeResource(document, node).strictErrors).toEqual(['duplicate field "spec.a"']);
  });

  test("puts in defaults, also in items of lists, and replaces nulls that are not allowed", () => {
    const { object } = read({ a: null, n: null, l: [{}] });
    applySchemaDefaults(object, node);
    expect(object.spec).toEqual({ a: "x", n: null, l: [{ d: 3 }] });
    const empty = read({}).object;
    delete empty.spec;
    applySchemaDefaults(empty, node);
    expect(empty.spec).toBeUndefined();
  });

  test("without a schema everything is kept", () => {
    const document = parseJson('{"metadata":{"name":"a"},"anything":{"goes":[1]}}');
    expect(decodeResource(document, nodeFromSchema(undefined))).toEqual({
      object: { metadata: { name: "a" }, anything: { goes: [1] } },
      strictErrors: [],
    });
  });
});
