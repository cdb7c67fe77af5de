import { placeOf } from "../schema/go-json.ts";
import type { Field, SchemaNode, Sort } from "../schema/node.ts";
import { isType, kindOfType, mergeRulesOf, typeNameOf, typeNode, typeOfKind, unionsOf } from "../schema/table.ts";
import { clientGroupVersions } from "./client-groups.ts";
import { customListSchema, customSchema } from "./custom-schemas.ts";
import type { Descriptions } from "./descriptions.ts";
import { type PublishedKind, publishedType } from "./published-kind.ts";

export type JsonObject = Record<string, unknown>;

/** How the two versions of OpenAPI differ in what they say of types. */
export interface Dialect {
  readonly refPrefix: string;
  /** Whether a reference may stand beside other words, and whether defaults are said. */
  readonly isV3: boolean;
}

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const extensions = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";

/** Types that are published although they are no objects with fields. */
const leafTypes: Partial<Record<Sort, string>> = {
  quantity: "io.k8s.apimachinery.pkg.api.resource.Quantity",
  intOrString: "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  time: `${meta}.Time`,
  microTime: `${meta}.MicroTime`,
  duration: `${meta}.Duration`,
  fieldsV1: `${meta}.FieldsV1`,
  raw: "io.k8s.apimachinery.pkg.runtime.RawExtension",
  any: `${extensions}.JSON`,
  schemaOrList: `${extensions}.JSONSchemaPropsOrArray`,
  schemaOrBoolean: `${extensions}.JSONSchemaPropsOrBool`,
  schemaOrStrings: `${extensions}.JSONSchemaPropsOrStringArray`,
};

function leafSchema(type: string, isV3: boolean): JsonObject | undefined {
  switch (type) {
    case leafTypes.quantity:
      return isV3 ? { oneOf: [{ type: "string" }, { type: "number" }] } : { type: "string" };
    case leafTypes.intOrString:
      return isV3
        ? { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] }
        : { format: "int-or-string", type: "string" };
    case leafTypes.time:
    case leafTypes.microTime:
      return { type: "string", format: "date-time" };
    case leafTypes.duration:
      return { type: "string" };
    case leafTypes.fieldsV1:
    case leafTypes.raw:
    case `${meta}.Patch`:
      return { type: "object" };
    case leafTypes.any:
    case leafTypes.schemaOrList:
    case leafTypes.schemaOrBoolean:
    case leafTypes.schemaOrStrings:
      return {};
    default:
      return undefined;
  }
}

const scalars: Partial<Record<Sort, JsonObject>> = {
  string: { type: "string" },
  bytes: { type: "string", format: "byte" },
  boolean: { type: "boolean" },
  int32: { type: "integer", format: "int32" },
  int64: { type: "integer", format: "int64" },
  double: { type: "number", format: "double" },
};

/** The schemas of these types and of all that they refer to, by name, in order. */
export function schemasOf(
  roots: Iterable<string>,
  kinds: readonly PublishedKind[],
  texts: Descriptions,
  dialect: Dialect,
): JsonObject {
  const custom = new Map(kinds.filter(({ schema }) => schema).map((kind) => [publishedType(kind), kind]));
  const schemas = new Map<string, JsonObject>();
  const waiting = [...roots];
  const refer = (type: string): string => {
    waiting.push(type);
    return `${dialect.refPrefix}${type}`;
  };
  for (let type = waiting.pop(); type !== undefined; type = waiting.pop()) {
    if (schemas.has(type)) continue;
    schemas.set(type, schemaOf(type, { kinds, custom, texts, dialect, refer }));
  }
  return Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface Context {
  readonly kinds: readonly PublishedKind[];
  readonly custom: ReadonlyMap<string, PublishedKind>;
  readonly texts: Descriptions;
  readonly dialect: Dialect;
  /** Writes down that a type is needed, and gives the reference to it. */
  readonly refer: (type: string) => string;
}

function schemaOf(type: string, { kinds, custom, texts, dialect, refer }: Context): JsonObject {
  const described = (text: string | undefined): JsonObject => (text ? { description: text } : {});
  const leaf = leafSchema(type, dialect.isV3);
  if (leaf) return { ...described(texts[type]?.[""]), ...leaf };
  const own = custom.get(type);
  if (own) return customSchema(own, { texts, dialect, refer });
  const listed = custom.get(type.replace(/List$/, ""));
  if (listed) return customListSchema(listed, { texts, dialect, refer });
  if (!isType(type)) return { type: "object" };

  const node = typeNode(type);
  const fields = [...node.fields.values()].filter(({ embedded }) => !embedded);
  const required = fields
    .filter((field) => field.required)
    .sort((a, b) => placeOf(node, a.name) - placeOf(node, b.name));
  const unions = unionsOf(type);
  const ofKinds = kindsOf(type, kinds);
  return {
    ...described(texts[type]?.[""]),
    type: "object",
    ...(required.length && { required: required.map(({ name }) => name) }),
    ...(fields.length && {
      properties: Object.fromEntries(
        fields.map((field) => [field.name, fieldSchema(field, texts[type]?.[field.name], dialect, refer)]),
      ),
    }),
    ...(ofKinds.length && { "x-kubernetes-group-version-kind": ofKinds }),
    ...(node.atomic && { "x-kubernetes-map-type": "atomic" }),
    ...(unions && { "x-kubernetes-unions": unions }),
  };
}

/** The kinds that a type is; some are a kind of every group. */
function kindsOf(type: string, kinds: readonly PublishedKind[]): JsonObject[] {
  const own = kindOfType(type);
  if (own) return [{ ...own }];
  const [kind = ""] = type.split(".").reverse();
  if (typeOfKind({ group: "", version: "v1", kind }) !== type) return [];
  if (kinds.length > 0 && kinds.every(({ schema }) => schema))
    return clientGroupVersions.map(({ group, version }) => ({ group, version, kind }));
  const groups = new Set(["/v1", ...kinds.map(({ group, version }) => `${group}/${version}`)]);
  return [...groups].sort().map((groupVersion) => {
    const [group = "", version = ""] = groupVersion.split("/");
    return { group, kind, version };
  });
}

function fieldSchema(
  field: Field,
  description: string | undefined,
  dialect: Dialect,
  refer: (type: string) => string,
): JsonObject {
  const { node } = field;
  const value = withValues(valueSchema(node, refer), dialect.isV3 ? mergeRulesOf(node).values : undefined);
  const fallback = dialect.isV3 ? defaultOf(field) : undefined;
  const beside = {
    ...(description && { description }),
    ...(fallback !== undefined && { default: fallback }),
    ...mergeWords(node),
  };
  return "$ref" in value && dialect.isV3 ? { ...beside, allOf: [value] } : { ...beside, ...value };
}

/** The values that a text, or each text of a list or map, may have. */
function withValues(value: JsonObject, values: readonly string[] | undefined): JsonObject {
  if (!values) return value;
  const inner = value.type === "array" ? "items" : value.type === "object" ? "additionalProperties" : undefined;
  return inner ? { ...value, [inner]: { ...(value[inner] as object), enum: values } } : { ...value, enum: values };
}

/** A struct that is no pointer is there as {}; a scalar that is always written has its zero. */
function defaultOf(field: Field): unknown {
  if (field.default !== undefined) return field.default;
  if (field.pointer) return undefined;
  switch (field.node.sort) {
    case "object":
      return {};
    case "string":
      return field.always ? "" : undefined;
    case "int32":
    case "int64":
    case "double":
      return field.always ? 0 : undefined;
    case "boolean":
      return field.always ? false : undefined;
    default:
      return undefined;
  }
}

function valueSchema(node: SchemaNode, refer: (type: string) => string): JsonObject {
  const scalar = scalars[node.sort];
  if (scalar) return { ...scalar };
  if (node.sort === "list" && node.item) return { type: "array", items: valueSchema(node.item, refer) };
  if (node.sort === "map" && node.item) return { type: "object", additionalProperties: valueSchema(node.item, refer) };
  const type = typeNameOf(node) ?? leafTypes[node.sort];
  return type ? { $ref: refer(type) } : {};
}

function mergeWords(node: SchemaNode): JsonObject {
  const { atomic, listType, listKeys, mergeKey, patchStrategy } = mergeRulesOf(node);
  const isMap = node.sort === "map" || node.sort === "object";
  return {
    ...(listKeys?.length && { "x-kubernetes-list-map-keys": listKeys }),
    ...(listType && { "x-kubernetes-list-type": listType }),
    ...(isMap && atomic !== undefined && { "x-kubernetes-map-type": atomic ? "atomic" : "granular" }),
    ...(mergeKey && { "x-kubernetes-patch-merge-key": mergeKey }),
    ...(patchStrategy?.length && { "x-kubernetes-patch-strategy": patchStrategy.join(",") }),
  };
}
