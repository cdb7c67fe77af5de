import { copyOf } from "../patch/value.ts";
import { type Decoded, decodeValue } from "./decode.ts";
import { deducedNode } from "./deduced.ts";
import { type JsonDocument, plainValue, repeatedFields } from "./json.ts";
import type { Field, SchemaNode, Sort } from "./node.ts";
import { typeNode } from "./table.ts";
import type { JSONSchemaProps } from "./types.ts";

/*
 * Custom resources (Kubernetes docs, "Extend the Kubernetes API with CustomResourceDefinitions", section "Specifying a structural
 * schema"): the same nodes as those of built-in types, made from the schema of a CustomResourceDefinition.
 */
type JsonObject = Record<string, unknown>;

const metadataNode = typeNode("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");

/** The node of a custom resource's version; undefined: nothing is known, everything is kept. */
export function nodeFromSchema(schema: JSONSchemaProps | undefined): SchemaNode {
  if (!schema) return asResource({ ...deducedNode, sort: "object" });
  return asResource(nodeFrom(schema));
}

/** Every object has apiVersion, kind and metadata, whatever its schema says of them. */
function asResource(node: SchemaNode): SchemaNode {
  const fields = new Map(node.fields);
  for (const name of ["apiVersion", "kind"]) fields.set(name, plainField(name, { ...deducedNode, sort: "string" }));
  fields.set("metadata", plainField("metadata", metadataNode));
  return { ...node, fields };
}

function plainField(name: string, node: SchemaNode, fallback?: unknown): Field {
  return {
    name,
    node,
    required: false,
    pointer: true,
    always: false,
    omitZero: false,
    number: 0,
    embedded: false,
    default: fallback,
  };
}

function nodeFrom(schema: JSONSchemaProps): SchemaNode {
  const fields = Object.entries(schema.properties ?? {}).map(([name, property]): [string, Field] => [
    name,
    { ...plainField(name, nodeFrom(property), property.default), required: schema.required?.includes(name) ?? false },
  ]);
  const preserveUnknown = schema["x-kubernetes-preserve-unknown-fields"] === true;
  const node: SchemaNode = {
    sort: sortOf(schema),
    goType: schema.type ?? "",
    fields: new Map(fields),
    item: itemOf(schema),
    preserveUnknown: preserveUnknown || schema.additionalProperties === true,
    nullable: schema.nullable === true,
    embeddedResource: schema["x-kubernetes-embedded-resource"] === true,
    atomic: schema["x-kubernetes-map-type"] === "atomic",
    listType: (schema["x-kubernetes-list-type"] ?? "atomic") as SchemaNode["listType"],
    listKeys: schema["x-kubernetes-list-map-keys"] ?? [],
    mergeKey: undefined,
    patchStrategy: [],
  };
  return node.embeddedResource ? asResource(node) : node;
}

function sortOf(schema: JSONSchemaProps): Sort {
  if (schema["x-kubernetes-int-or-string"]) return "intOrString";
  switch (schema.type) {
    case "object":
      return schema.properties || schema["x-kubernetes-preserve-unknown-fields"] || !schema.additionalProperties
        ? "object"
        : "map";
    case "array":
      return "list";
    case "string":
      return "string";
    case "boolean":
      return "boolean";
    case "integer":
      return "int64";
    case "number":
      return "double";
    default:
      return "any";
  }
}

function itemOf(schema: JSONSchemaProps): SchemaNode | undefined {
  const { items, additionalProperties } = schema;
  if (schema.type === "array" && items && !Array.isArray(items)) return nodeFrom(items);
  if (typeof additionalProperties === "object") return nodeFrom(additionalProperties);
  return undefined;
}

/**
 * Makes a custom resource from JSON: prunes what its schema does not name and its metadata like any object's. Types of values are
 * left to validation. Changes the value it is given.
 * @throws {DecodeError} when the metadata is of the wrong type
 */
export function decodeResource(document: JsonDocument, node: SchemaNode): Decoded {
  const duplicates = repeatedFields(document).map((path) => `duplicate field ${JSON.stringify(path)}`);
  const object = plainValue(document.value) as JsonObject;
  const unknown: string[] = [];
  pruneObject(object, node, "", unknown);
  return {
    object,
    strictErrors: [...duplicates, ...unknown.sort().map((path) => `unknown field ${JSON.stringify(path)}`)],
  };
}

/** The fields of a value that its schema does not name; it stays as it is. `isResource`: it has kind and metadata in any case. */
export function unknownFields(
  value: unknown,
  schema: JSONSchemaProps,
  { isResource }: { isResource: boolean },
): string[] {
  const unknown: string[] = [];
  const node = isResource ? asResource(nodeFrom(schema)) : nodeFrom(schema);
  prune(copyOf(value), node, "value", unknown);
  return unknown;
}

function prune(value: unknown, node: SchemaNode, path: string, unknown: string[]): void {
  if (Array.isArray(value)) {
    if (node.item && node.sort === "list")
      for (const [i, item] of value.entries()) prune(item, node.item, `${path}[${i}]`, unknown);
  } else if (typeof value === "object" && value !== null) pruneObject(value as JsonObject, node, path, unknown);
}

function pruneObject(object: JsonObject, node: SchemaNode, path: string, unknown: string[]): void {
  const isResource = path === "" || node.embeddedResource;
  for (const key of Object.keys(object)) {
    const at = path ? `${path}.${key}` : key;
    if (isResource && key === "metadata" && object[key] !== null) {
      const { object: metadata, strictErrors } = decodeValue(object[key], metadataNode);
      object[key] = metadata;
      unknown.push(...strictErrors.map((error) => `${at}.${JSON.parse(error.replace(/^unknown field /, ""))}`));
      continue;
    }
    const field = node.fields.get(key)?.node ?? (node.sort === "list" ? undefined : node.item);
    if (field) prune(object[key], field, at, unknown);
    else if (!node.preserveUnknown && node.sort !== "any") {
      delete object[key];
      unknown.push(at);
    }
  }
}
