import type { JSONSchemaProps } from "../schema/types.ts";
import type { Descriptions } from "./descriptions.ts";
import { type PublishedKind, publishedType } from "./published-kind.ts";
import type { Dialect, JsonObject } from "./schemas.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
/** Any type with type and metadata has the texts for those of custom resources. */
const texted = "io.k8s.api.core.v1.ConfigMap";

export interface CustomContext {
  readonly texts: Descriptions;
  readonly dialect: Dialect;
  /** Writes down that a type is needed, and gives the reference to it. */
  readonly refer: (type: string) => string;
}

/** What is published of a custom resource's type: its definition's schema with what all objects have. */
export function customSchema({ group, version, kind, schema = {} }: PublishedKind, context: CustomContext): JsonObject {
  const named = { "x-kubernetes-group-version-kind": [{ group, version, kind }] };
  // kubectl takes the fields of a type in OpenAPI v2 for all that there are.
  if (!context.dialect.isV3 && isOpen(schema)) return { type: "object", ...named };
  const published = withEmbedded(context.dialect.isV3 ? schema : forVersion2(schema), context);
  const properties = { ...published.properties, ...objectFields(texted, "ObjectMeta", context) };
  return { ...published, type: "object", properties, ...named };
}

export function customListSchema(kind: PublishedKind, context: CustomContext): JsonObject {
  const { group, version, kind: name } = kind;
  return {
    description: `${name}List is a list of ${name}`,
    type: "object",
    required: ["items"],
    properties: {
      ...objectFields(`${texted}List`, "ListMeta", context),
      items: { type: "array", items: { $ref: context.refer(publishedType(kind)) } },
    },
    "x-kubernetes-group-version-kind": [{ group, version, kind: `${name}List` }],
  };
}

/** apiVersion, kind and metadata as another type describes them. */
function objectFields(like: string, metaType: string, { texts, dialect, refer }: CustomContext): JsonObject {
  const described = (field: string): JsonObject => {
    const description = texts[like]?.[field];
    return description ? { description } : {};
  };
  const reference = { $ref: refer(`${meta}.${metaType}`) };
  return {
    apiVersion: { ...described("apiVersion"), type: "string" },
    kind: { ...described("kind"), type: "string" },
    metadata: { ...described("metadata"), ...(dialect.isV3 ? { allOf: [reference] } : reference) },
  };
}

const isOpen = (schema: JSONSchemaProps): boolean => schema["x-kubernetes-preserve-unknown-fields"] === true;

/** The schema with `change` made to every schema in it, the innermost first. */
function deeply(schema: JSONSchemaProps, change: (schema: JSONSchemaProps) => JSONSchemaProps): JSONSchemaProps {
  const { properties, items, additionalProperties } = schema;
  return change({
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, deeply(one, change)])),
    }),
    // Structural schemas have one schema for all items.
    ...(items && !Array.isArray(items) && { items: deeply(items, change) }),
    ...(typeof additionalProperties === "object" && { additionalProperties: deeply(additionalProperties, change) }),
  });
}

/** Objects within objects have a type and metadata too, where the definition says that they are objects. */
function withEmbedded(schema: JSONSchemaProps, context: CustomContext): JSONSchemaProps {
  return deeply(schema, (one) => {
    if (one["x-kubernetes-embedded-resource"] !== true || (!context.dialect.isV3 && isOpen(one))) return one;
    const properties = {
      ...one.properties,
      ...objectFields(texted, "ObjectMeta", context),
    } as JSONSchemaProps["properties"];
    return {
      ...one,
      properties,
      required: [...new Set([...(one.required ?? []), "kind", "apiVersion"])],
    } as JSONSchemaProps;
  });
}

/** What OpenAPI v2, and kubectl's reading of it, has no words for is left out. */
function forVersion2(schema: JSONSchemaProps): JSONSchemaProps {
  const nullables = deeply(schema, (one) => {
    const required = one.required?.filter((name) => !one.properties?.[name]?.nullable);
    return required?.length === one.required?.length ? one : { ...one, required: required ?? [] };
  });
  return deeply(nullables, ({ allOf, oneOf, anyOf, not, nullable, ...one }) => {
    const said = { ...one };
    if (nullable || isOpen(one)) {
      delete said.items;
      delete said.properties;
    }
    if (nullable || (isOpen(one) && one.type === "object") || (one.type === "array" && !said.items)) delete said.type;
    return said;
  });
}
