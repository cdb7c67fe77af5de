import type { Field, SchemaNode } from "./node.ts";
import { typeNode } from "./table.ts";

/** How the types of the schema table look in protobuf's wire format (protobuf.dev, "Encoding"). */

export const varint = 0;
export const fixed64 = 1;
export const bytes = 2;

/** What stands before a field's value: its number and the form of the value. */
export const tag = (number: number, wireType: number): number => ((number << 3) | wireType) >>> 0;

/** The fields of a message. */
export interface Plan {
  /** In the order of their numbers. */
  readonly fields: readonly Field[];
  readonly byNumber: ReadonlyMap<number, Field>;
}
const plans = new WeakMap<SchemaNode, Plan>();

export function planOf(node: SchemaNode): Plan {
  let plan = plans.get(node);
  if (!plan) {
    const fields = [...node.fields.values()].filter(({ number }) => number > 0).sort((a, b) => a.number - b.number);
    plan = { fields, byNumber: new Map(fields.map((field) => [field.number, field])) };
    plans.set(node, plan);
  }
  return plan;
}

/** The schema inside a value that is a schema or something else. */
export function schemaOf(node: SchemaNode): SchemaNode {
  return node.item ?? typeNode("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps");
}
