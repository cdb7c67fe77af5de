import { copyOf } from "../patch/value.ts";
import type { SchemaNode } from "./node.ts";

type JsonObject = Record<string, unknown>;

/**
 * Puts in the defaults that the schema itself names; for custom resources, where the kind has no code of its own. A null where
 * the schema does not allow one is as good as nothing. Changes the object.
 */
export function applySchemaDefaults(object: JsonObject, node: SchemaNode): void {
  for (const key of Object.keys(object)) {
    const inside = node.fields.get(key)?.node ?? node.item;
    if (object[key] === null && inside && !inside.nullable && inside.sort !== "any") delete object[key];
  }
  for (const [name, field] of node.fields)
    if (object[name] === undefined && field.default !== undefined) object[name] = copyOf(field.default);
  for (const key in object) {
    const below = node.fields.get(key)?.node ?? node.item;
    if (below) descend(object[key], below);
  }
}

function descend(value: unknown, node: SchemaNode): void {
  if (Array.isArray(value)) {
    if (node.item && node.sort === "list") for (const item of value) descend(item, node.item);
  } else if (typeof value === "object" && value !== null) applySchemaDefaults(value as JsonObject, node);
}
