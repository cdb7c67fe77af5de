import type { FieldError, Path } from "../../field.ts";
import type { JSONSchemaProps } from "../../schema/types.ts";
import { validateOneOf } from "../../validate/values.ts";
import { isSchema } from "./structural-schema.ts";

/** How lists and maps are merged (Kubernetes docs, "Merge strategy"): whether what a schema says of it can be. */
export function validateMergeRules(schema: JSONSchemaProps, at: Path): FieldError[] {
  const { type = "" } = schema;
  const mapType = schema["x-kubernetes-map-type"];
  const listType = schema["x-kubernetes-list-type"];
  const items = isSchema(schema.items) ? schema.items : undefined;
  const wrongType = (wanted: string, extension: string): FieldError => {
    const why = `must be ${wanted} if x-kubernetes-${extension}-type is specified`;
    return type ? at.child("type").invalid(type, why) : at.child("type").required(why);
  };
  return [
    ...(mapType !== undefined && type !== "object" ? [wrongType("object", "map")] : []),
    ...(mapType === undefined ? [] : validateOneOf(mapType, ["atomic", "granular"], at.child("x-kubernetes-map-type"))),
    ...(listType !== undefined && type !== "array" ? [wrongType("array", "list")] : []),
    ...(listType === "set" && type === "array" && items ? validateSetItems(items, at.child("items")) : []),
    ...(listType === undefined
      ? []
      : validateOneOf(listType, ["atomic", "set", "map"], at.child("x-kubernetes-list-type"))),
    ...validateMapKeys(schema, at),
    ...(items && (listType === "set" || listType === "map") ? validateKeyed(schema, items, listType, at) : []),
  ];
}

/** What is in a set is compared as a whole. */
function validateSetItems(items: JSONSchemaProps, at: Path): FieldError[] {
  const listType = items["x-kubernetes-list-type"];
  const why = "must be atomic as item of a list with x-kubernetes-list-type=set";
  if (items.type === "array" && listType !== undefined && listType !== "atomic")
    return [at.child("x-kubernetes-list-type").invalid(listType, why)];
  // Kubernetes shows the items' list type here, too.
  if (items.type === "object" && items["x-kubernetes-map-type"] !== "atomic")
    return [at.child("x-kubernetes-map-type").invalid(listType, why)];
  return [];
}

function validateMapKeys(schema: JSONSchemaProps, at: Path): FieldError[] {
  const listType = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const keysAt = at.child("x-kubernetes-list-map-keys");
  const typeAt = at.child("x-kubernetes-list-type");
  const errors: FieldError[] = [];
  if (keys.length > 0 && listType !== "map") {
    const why = "must be map if x-kubernetes-list-map-keys is non-empty";
    errors.push(listType === undefined ? typeAt.required(why) : typeAt.invalid(listType, why));
  }
  if (listType !== "map") return errors;
  if (keys.length === 0) errors.push(keysAt.required("must not be empty if x-kubernetes-list-type is map"));
  if (!schema.items) errors.push(at.child("items").required("must have a schema if x-kubernetes-list-type is map"));
  if (!isSchema(schema.items)) return errors;
  const { type = "", properties = {} } = schema.items;
  const parent = "if parent array's x-kubernetes-list-type is map";
  if (type !== "object") return [...errors, at.child("items", "type").invalid(type, `must be object ${parent}`)];
  for (const [i, key] of keys.entries()) {
    const property = properties[key];
    if (!property) errors.push(keysAt.invalid(keys, "entries must all be names of item properties"));
    // Kubernetes shows the items' type here.
    else if (property.type === "array" || property.type === "object")
      errors.push(
        at.child("items", "properties").key(key).child("type").invalid(type, `must be a scalar type ${parent}`),
      );
    if (keys.indexOf(key) < i) errors.push(keysAt.invalid(keys, "must not contain duplicate entries"));
  }
  return errors;
}

/** Items that are told apart must be there, and so must their keys. */
function validateKeyed(schema: JSONSchemaProps, items: JSONSchemaProps, listType: string, at: Path): FieldError[] {
  const itemsAt = at.child("items");
  const { properties = {}, required = [], nullable } = items;
  const keys = listType === "map" ? (schema["x-kubernetes-list-map-keys"] ?? []) : [];
  const about = "this property is in x-kubernetes-list-map-keys, so it";
  return [
    ...(nullable
      ? [itemsAt.child("nullable").forbidden(`cannot be nullable when x-kubernetes-list-type is ${listType}`)]
      : []),
    ...keys.flatMap((key) => {
      const property = properties[key];
      const keyAt = itemsAt.child("properties").key(key);
      if (!property) return [];
      return [
        ...(required.includes(key) || property.default !== undefined
          ? []
          : [keyAt.child("default").required(`${about} must have a default or be a required property`)]),
        ...(property.nullable ? [keyAt.child("nullable").forbidden(`${about} cannot be nullable`)] : []),
      ];
    }),
  ];
}
