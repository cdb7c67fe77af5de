import type { SchemaNode, Sort } from "../schema/node.ts";
import { escapedName } from "./schema.ts";
import { bool, dyn, int, listOf, mapOf, simpleType, type Type, text } from "./types.ts";

const simple: Partial<Readonly<Record<Sort, Type>>> = {
  string: text,
  bytes: simpleType("bytes"),
  boolean: bool,
  int32: int,
  int64: int,
  double: simpleType("double"),
  time: simpleType("timestamp"),
  microTime: simpleType("timestamp"),
  duration: text,
};

/** The type of what a schema describes; of what may be of several types, nothing is known. */
export function typeOfNode(node: SchemaNode, name: string, around: readonly SchemaNode[] = []): Type {
  const known = simple[node.sort];
  if (known) return known;
  // A schema that contains itself is known down to where it does.
  if (around.includes(node)) return dyn;
  const inside = [...around, node];
  if (node.sort === "list") return listOf(node.item ? typeOfNode(node.item, `${name}.@idx`, inside) : dyn);
  if (node.sort === "map") return mapOf(text, node.item ? typeOfNode(node.item, `${name}.@elem`, inside) : dyn);
  if (node.sort !== "object" || node.fields.size === 0) return dyn;
  const fields = [...node.fields.values()].flatMap((field): [string, Type][] => {
    const escaped = escapedName(field.name);
    return escaped === undefined ? [] : [[escaped, typeOfNode(field.node, `${name}.${field.name}`, inside)]];
  });
  return { sort: "object", name, fields: new Map(fields) };
}
