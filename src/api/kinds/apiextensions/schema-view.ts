import { goView } from "../../go-view.ts";
import type { CustomResourceDefinitionVersion, JSONSchemaProps } from "../../schema/types.ts";

/*
 * Schemas as Kubernetes prints them in errors: its internal structs in Go's JSON (go-view.ts), which hold each other.
 */
type View = Record<string, unknown> | null;

/** The schema by itself. */
export function schemaView(schema: JSONSchemaProps): View {
  const view = goView("JSONSchemaProps", schema);
  const { items, additionalProperties, additionalItems, dependencies } = schema;
  return {
    ...view,
    Schema: schema.$schema ?? "",
    Ref: schema.$ref ?? null,
    Items: items
      ? Array.isArray(items)
        ? choiceView({ JSONSchemas: items.map(schemaView) })
        : choiceView({ Schema: schemaView(items) })
      : null,
    AllOf: schema.allOf?.map(schemaView) ?? null,
    OneOf: schema.oneOf?.map(schemaView) ?? null,
    AnyOf: schema.anyOf?.map(schemaView) ?? null,
    Not: schema.not ? schemaView(schema.not) : null,
    Properties: mapView(schema.properties, schemaView),
    AdditionalProperties: orBoolView(additionalProperties),
    PatternProperties: mapView(schema.patternProperties, schemaView),
    Dependencies: mapView(dependencies, (value) =>
      Array.isArray(value) ? { Schema: null, Property: value } : { Schema: schemaView(value), Property: null },
    ),
    AdditionalItems: orBoolView(additionalItems),
    Definitions: mapView(schema.definitions, schemaView),
    XPreserveUnknownFields: schema["x-kubernetes-preserve-unknown-fields"] ?? null,
    XEmbeddedResource: schema["x-kubernetes-embedded-resource"] ?? false,
    XIntOrString: schema["x-kubernetes-int-or-string"] ?? false,
    XListMapKeys: schema["x-kubernetes-list-map-keys"] ?? null,
    XListType: schema["x-kubernetes-list-type"] ?? null,
    XMapType: schema["x-kubernetes-map-type"] ?? null,
    XValidations: schema["x-kubernetes-validations"]?.map((rule) => goView("ValidationRule", rule)) ?? null,
  };
}

function choiceView(given: { Schema?: View; JSONSchemas?: View[] }): View {
  return { Schema: null, JSONSchemas: null, ...given };
}

function orBoolView(value: JSONSchemaProps | boolean | undefined): View {
  if (value === undefined) return null;
  return typeof value === "boolean" ? { Allows: value, Schema: null } : { Allows: true, Schema: schemaView(value) };
}

function mapView<T>(map: Readonly<Record<string, T>> | undefined, view: (value: T) => View): View {
  if (!map) return null;
  const entries = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, value]) => [key, view(value)]));
}

/** Versions; of a field that all of them share nothing is shown, since Kubernetes keeps it elsewhere. */
export function versionViews(
  versions: readonly CustomResourceDefinitionVersion[],
  isShared: (field: keyof CustomResourceDefinitionVersion) => boolean,
): View[] {
  return versions.map((version) => {
    const { schema, subresources, additionalPrinterColumns, selectableFields } = version;
    return {
      ...goView("CustomResourceDefinitionVersion", version),
      Schema:
        schema && !isShared("schema")
          ? { OpenAPIV3Schema: schema.openAPIV3Schema ? schemaView(schema.openAPIV3Schema) : null }
          : null,
      Subresources:
        subresources && !isShared("subresources") ? goView("CustomResourceSubresources", subresources) : null,
      AdditionalPrinterColumns:
        additionalPrinterColumns && !isShared("additionalPrinterColumns")
          ? additionalPrinterColumns.map((column) => goView("CustomResourceColumnDefinition", column))
          : null,
      SelectableFields:
        selectableFields && !isShared("selectableFields")
          ? selectableFields.map((field) => goView("SelectableField", field))
          : null,
    };
  });
}
