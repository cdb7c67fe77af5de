import type { FieldError, Path } from "../field.ts";
import { isObject } from "../patch/value.ts";
import type { JSONSchemaProps } from "../schema/types.ts";

/** Lists that are sets or maps: no item may be there twice (Kubernetes docs, "Merge strategy": x-kubernetes-list-type). */
export function validateListTypes(value: unknown, schema: JSONSchemaProps, at: Path): FieldError[] {
  if (Array.isArray(value)) return validateList(value, schema, at);
  if (!isObject(value)) return [];
  const { properties, additionalProperties } = schema;
  const values = typeof additionalProperties === "object" ? additionalProperties : undefined;
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(values ? validateListTypes(inner, values, at.key(name)) : []),
    ...(properties?.[name] ? validateListTypes(inner, properties[name], at.child(name)) : []),
  ]);
}

function validateList(items: readonly unknown[], schema: JSONSchemaProps, at: Path): FieldError[] {
  const inner = schema.items && !Array.isArray(schema.items) ? schema.items : undefined;
  return [
    ...validateItems(items, schema, at),
    ...(inner ? items.flatMap((item, i) => validateListTypes(item, inner, at.index(i))) : []),
  ];
}

function validateItems(items: readonly unknown[], schema: JSONSchemaProps, at: Path): FieldError[] {
  switch (schema["x-kubernetes-list-type"]) {
    case "set":
      return repeated(items, at);
    case "map": {
      const odd = items.findIndex((item) => item !== null && !isObject(item));
      if (odd >= 0) return [at.index(odd).invalid(items[odd], "must be an object for an array of list-type map")];
      const keys = [...(schema["x-kubernetes-list-map-keys"] ?? [])].sort();
      return repeated(
        items.map((item) => keyOf(item, keys)),
        at,
      );
    }
    default:
      return [];
  }
}

function keyOf(item: unknown, keys: readonly string[]): Record<string, unknown> {
  const fields = isObject(item) ? item : {};
  return Object.fromEntries(keys.filter((key) => fields[key] !== undefined).map((key) => [key, fields[key]]));
}

/** An item that is there several times is told once, where it comes again first. */
function repeated(items: readonly unknown[], at: Path): FieldError[] {
  const times = new Map<string, number>();
  return items.flatMap((item, i) => {
    const text = JSON.stringify(item);
    const before = times.get(text) ?? 0;
    times.set(text, before + 1);
    return before === 1 ? [at.index(i).duplicate(item)] : [];
  });
}
