import type { Field, SchemaNode } from "./node.ts";

/**
 * Writes what Kubernetes' types always write: fields without omitempty, and structs that are no pointers ("resources": {},
 * "status": {}, "lastProbeTime": null). For an object that is decoded, defaulted and about to be stored or sent.
 * Changes the object.
 */
export function complete(object: Record<string, unknown>, node: SchemaNode): void {
  const plan = planOf(node);
  for (const { name, empty } of plan.filled) if (object[name] === undefined) object[name] = empty();
  // Kubernetes stores protobuf, which does not tell an empty list from none.
  for (const name of plan.lists) if (isEmpty(object[name])) object[name] = null;
  for (const { name, node: inner } of plan.nested) {
    const value = object[name];
    if (value !== undefined && value !== null) completeValue(value, inner);
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function completeValue(value: unknown, node: SchemaNode): void {
  if (node.sort === "object") complete(value as Record<string, unknown>, node);
  else if (node.item && node.sort === "list") for (const item of value as unknown[]) completeValue(item, node.item);
  else if (node.item) for (const item of Object.values(value as object)) completeValue(item, node.item);
}

/** Makes only the structs that are no pointers, so that what looks at their fields need not ask whether they are there. */
export function completeStructs(object: Record<string, unknown>, node: SchemaNode): void {
  const plan = planOf(node);
  for (const name of plan.structs) object[name] ??= {};
  for (const { name, node: inner } of plan.nested) {
    const value = object[name];
    if (value !== undefined && value !== null) completeStructsOf(value, inner);
  }
}

function completeStructsOf(value: unknown, node: SchemaNode): void {
  if (node.sort === "object") completeStructs(value as Record<string, unknown>, node);
  else if (node.item && node.sort === "list") for (const item of value as unknown[]) completeStructsOf(item, node.item);
  else if (node.item) for (const item of Object.values(value as object)) completeStructsOf(item, node.item);
}

interface Plan {
  readonly structs: readonly string[];
  readonly lists: readonly string[];
  readonly filled: readonly { readonly name: string; readonly empty: () => unknown }[];
  readonly nested: readonly { readonly name: string; readonly node: SchemaNode }[];
}

const plans = new WeakMap<SchemaNode, Plan>();

function planOf(node: SchemaNode): Plan {
  let plan = plans.get(node);
  if (!plan) {
    const fields = [...node.fields.values()].filter((field) => !field.embedded);
    plan = {
      lists: fields
        .filter(({ node: { sort }, always, pointer }) => always && !pointer && (sort === "list" || sort === "map"))
        .map(({ name }) => name),
      structs: fields
        .filter((field) => !field.pointer && field.node.sort === "object" && emptyOf(field))
        .map(({ name }) => name),
      filled: fields.flatMap((field) => {
        const empty = emptyOf(field);
        return empty ? [{ name: field.name, empty }] : [];
      }),
      nested: fields.filter((field) => holdsObjects(field.node)),
    };
    plans.set(node, plan);
  }
  return plan;
}

function holdsObjects(node: SchemaNode): boolean {
  if (node.sort === "object") return true;
  return (node.sort === "list" || node.sort === "map") && node.item !== undefined && holdsObjects(node.item);
}

const always = (value: unknown) => () => value;

/** What an absent field is written as; undefined: not at all. */
function emptyOf(field: Field): (() => unknown) | undefined {
  if (field.pointer) return field.always ? always(null) : undefined;
  switch (field.node.sort) {
    case "object":
      return field.omitZero ? undefined : () => ({});
    case "time":
    case "microTime":
      return field.omitZero ? undefined : always(null);
    case "quantity":
      return always("0");
    case "intOrString":
      return always(0);
    case "duration":
      return always("0s");
    case "raw":
    case "any":
    case "fieldsV1":
    case "schemaOrList":
    case "schemaOrBoolean":
    case "schemaOrStrings":
      return always(null);
    default:
      return field.always ? always(zeros[field.node.sort]) : undefined;
  }
}

const zeros: Record<"list" | "map" | "string" | "bytes" | "boolean" | "int32" | "int64" | "double", unknown> = {
  list: null,
  map: null,
  string: "",
  bytes: null,
  boolean: false,
  int32: 0,
  int64: 0,
  double: 0,
};
