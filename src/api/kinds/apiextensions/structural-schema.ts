import type { FieldError, Path } from "../../field.ts";
import { isObject } from "../../patch/value.ts";
import { regexProblem } from "../../regex-problem.ts";
import type { JSONSchemaProps } from "../../schema/types.ts";

/**
 * Whether a schema is structural (Kubernetes docs, "Extend the Kubernetes API with CustomResourceDefinitions", section
 * "Specifying a structural schema"): outside of conditions it says what each field is, inside of them nothing but conditions.
 */
export function validateStructure(schema: JSONSchemaProps, at: Path): FieldError[] {
  const errors = [...validateInvariants(schema, "root", at), ...validateCompleteness({ schema, at }, { schema, at })];
  const text = ({ field, message }: FieldError): string => `${field}: ${message}`;
  return errors.sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

/** Why a schema cannot be one that is structural at all; undefined: it can. */
export function unsupportedIn(schema: JSONSchemaProps): string | undefined {
  const { items, additionalProperties, properties = {}, allOf = [], anyOf = [], oneOf = [], not } = schema;
  const unsupported = unsupportedFields.find(([field]) => schema[field] !== undefined && schema[field] !== "");
  if (unsupported) return `OpenAPIV3Schema '${unsupported[1]}' is not supported`;
  if (Array.isArray(items)) return "OpenAPIV3Schema 'items' must be a schema, but is an array";
  if (schema["x-kubernetes-preserve-unknown-fields"] === false)
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  const inner = [items, additionalProperties, not, ...Object.values(properties), ...allOf, ...anyOf, ...oneOf];
  for (const part of inner) {
    const why = isSchema(part) ? unsupportedIn(part) : undefined;
    if (why) return why;
  }
  return undefined;
}

const unsupportedFields: readonly (readonly [keyof JSONSchemaProps, shown: string])[] = [
  ["id", "id"],
  ["$schema", "schema"],
  ["$ref", "$ref"],
  ["patternProperties", "patternProperties"],
  ["dependencies", "dependencies"],
  ["additionalItems", "additionalItems"],
  ["definitions", "definitions"],
];

export function isSchema(value: unknown): value is JSONSchemaProps {
  return isObject(value);
}

type Level = "root" | "item" | "field";

const emptyType: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function validateInvariants(schema: JSONSchemaProps, level: Level, at: Path): FieldError[] {
  const { type = "", items, properties = {}, additionalProperties } = schema;
  return [
    ...(type === "array" && !items ? [at.child("items").required("must be specified")] : []),
    ...(isSchema(items) ? validateInvariants(items, "item", at.child("items")) : []),
    ...Object.entries(properties).flatMap(([name, property]) =>
      validateInvariants(property, "field", at.child("properties").key(name)),
    ),
    ...(additionalProperties !== undefined && level === "root"
      ? [at.child("additionalProperties").forbidden("must not be used at the root")]
      : []),
    ...(isSchema(additionalProperties)
      ? validateInvariants(additionalProperties, "field", at.child("additionalProperties"))
      : []),
    ...validateExtensions(schema, at),
    ...validateConditions(schema, at, {
      anyOfIsType: isIntOrString(schema),
      firstIsType: isIntOrString(schema.allOf?.[0]),
    }),
    ...validateType(schema, level, at),
    ...(level === "root" || schema["x-kubernetes-embedded-resource"] ? validateResourceFields(properties, at) : []),
    ...(level === "root" && properties.metadata && saysMore(properties.metadata)
      ? [
          at
            .child("properties")
            .key("metadata")
            .forbidden(
              "must not specify anything other than name and generateName, but metadata is implicitly specified",
            ),
        ]
      : []),
    ...validateEmbedded(schema, at),
  ];
}

function validateType(schema: JSONSchemaProps, level: Level, at: Path): FieldError[] {
  const { type = "" } = schema;
  const place = at.child("type");
  const errors: FieldError[] = [];
  if (schema["x-kubernetes-embedded-resource"] && type !== "object") {
    const why = "must be object if x-kubernetes-embedded-resource is true";
    errors.push(type ? place.invalid(type, why) : place.required(why));
  } else if (!type && !schema["x-kubernetes-int-or-string"] && !schema["x-kubernetes-preserve-unknown-fields"])
    errors.push(place.required(emptyType[level]));
  if (level === "root" && type && type !== "object") errors.push(place.invalid(type, "must be object at the root"));
  return errors;
}

function validateEmbedded(schema: JSONSchemaProps, at: Path): FieldError[] {
  if (!schema["x-kubernetes-embedded-resource"]) return [];
  const isEmpty = Object.keys(schema.properties ?? {}).length === 0;
  return [
    ...(schema.additionalProperties === undefined
      ? []
      : [at.child("additionalProperties").forbidden("must not be used if x-kubernetes-embedded-resource is set")]),
    ...(isEmpty && !schema["x-kubernetes-preserve-unknown-fields"]
      ? [
          at
            .child("properties")
            .required(
              "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
            ),
        ]
      : []),
  ];
}

const resourceFields = { kind: "string", apiVersion: "string", metadata: "object" } as const;

function validateResourceFields(properties: Readonly<Record<string, JSONSchemaProps>>, at: Path): FieldError[] {
  return Object.entries(resourceFields).flatMap(([name, wanted]) => {
    const property = properties[name];
    if (!property || property.type === wanted) return [];
    return [
      at
        .child("properties")
        .key(name)
        .child("type")
        .invalid(property.type ?? "", `must be ${wanted}`),
    ];
  });
}

/** Whether a schema of metadata says more of it than what its names look like. */
function saysMore(metadata: JSONSchemaProps): boolean {
  const names = Object.keys(metadata.properties ?? {});
  if (names.some((name) => name !== "name" && name !== "generateName")) return true;
  const {
    type: _type,
    default: _default,
    properties: _properties,
    example: _example,
    externalDocs: _externalDocs,
    ...rest
  } = metadata;
  return Object.values(rest).some(
    (value) => !(value === "" || value === false || (Array.isArray(value) && !value.length)),
  );
}

function validateExtensions(schema: JSONSchemaProps, at: Path): FieldError[] {
  if (!schema["x-kubernetes-int-or-string"]) return [];
  return (["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] as const).flatMap((extension) =>
    schema[extension] ? [at.child(extension).invalid(true, "must be false if x-kubernetes-int-or-string is true")] : [],
  );
}

/** Whether the alternatives are those that say a number or a text: there a type may stand. */
function isIntOrString(schema: JSONSchemaProps | undefined): boolean {
  return JSON.stringify(schema?.anyOf) === '[{"type":"integer"},{"type":"string"}]';
}

interface Exceptions {
  /** Whether anyOf says types, which it may. */
  readonly anyOfIsType?: boolean;
  /** Whether the first of allOf does. */
  readonly firstIsType?: boolean;
}

function validateConditions(
  schema: JSONSchemaProps,
  at: Path,
  { anyOfIsType = false, firstIsType = false }: Exceptions = {},
): FieldError[] {
  const { anyOf = [], allOf = [], oneOf = [], not, pattern } = schema;
  const problem = pattern ? regexProblem(pattern) : undefined;
  return [
    ...(anyOfIsType ? [] : anyOf.flatMap((part, i) => validateNested(part, at.child("anyOf").index(i)))),
    ...allOf.flatMap((part, i) =>
      validateNested(part, at.child("allOf").index(i), { anyOfIsType: firstIsType && i === 0 }),
    ),
    ...oneOf.flatMap((part, i) => validateNested(part, at.child("oneOf").index(i))),
    ...(not ? validateNested(not, at.child("not")) : []),
    ...(problem
      ? [at.child("pattern").invalid(pattern, `must be a valid regular expression, but isn't: ${problem}`)]
      : []),
  ];
}

const notInConditions: readonly (readonly [keyof JSONSchemaProps, wanted: "empty" | "undefined" | "false"])[] = [
  ["type", "empty"],
  ["additionalProperties", "undefined"],
  ["default", "undefined"],
  ["title", "empty"],
  ["description", "empty"],
  ["nullable", "false"],
  ["x-kubernetes-preserve-unknown-fields", "false"],
  ["x-kubernetes-embedded-resource", "false"],
  ["x-kubernetes-int-or-string", "false"],
  ["x-kubernetes-list-map-keys", "empty"],
  ["x-kubernetes-list-type", "undefined"],
  ["x-kubernetes-map-type", "undefined"],
  ["x-kubernetes-validations", "empty"],
];

/** Inside allOf, anyOf, oneOf and not there are conditions only: what a field is, is said outside. */
function validateNested(schema: JSONSchemaProps, at: Path, exceptions: Exceptions = {}): FieldError[] {
  const { items, properties = {} } = schema;
  const isSaid = (value: unknown): boolean =>
    Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null && value !== "";
  return [
    ...validateConditions(schema, at, exceptions),
    ...(isSchema(items) ? validateNested(items, at.child("items")) : []),
    ...Object.entries(properties).flatMap(([name, property]) =>
      validateNested(property, at.child("properties").key(name)),
    ),
    ...notInConditions
      .filter(([field, wanted]) => (wanted === "false" ? schema[field] === true : isSaid(schema[field])))
      .map(([field, wanted]) => at.child(field).forbidden(`must be ${wanted} to be structural`)),
    ...(properties.metadata
      ? [at.child("properties").key("metadata").forbidden("must not be specified in a nested context")]
      : []),
  ];
}

/** A schema, and where it stands. */
interface Placed {
  readonly schema: JSONSchemaProps;
  readonly at: Path;
}

/** Whatever the conditions of the root speak of must be there outside of them. `said`: what stands outside. */
function validateCompleteness(condition: Placed, said: Placed): FieldError[] {
  const { not, allOf = [], anyOf = [], oneOf = [] } = condition.schema;
  const inner = (schema: JSONSchemaProps, at: Path): FieldError[] => validateConditionIsSaid({ schema, at }, said);
  return [
    ...(not ? inner(not, condition.at.child("not")) : []),
    ...Object.entries({ allOf, anyOf, oneOf }).flatMap(([name, parts]) =>
      parts.flatMap((part, i) => inner(part, condition.at.child(name).index(i))),
    ),
  ];
}

function validateConditionIsSaid(condition: Placed, said: Placed): FieldError[] {
  const { items, properties = {} } = condition.schema;
  const inner = (schema: JSONSchemaProps, outside: unknown, place: (at: Path) => Path): FieldError[] => {
    const [at, saidAt] = [place(condition.at), place(said.at)];
    return isSchema(outside)
      ? validateConditionIsSaid({ schema, at }, { schema: outside, at: saidAt })
      : [saidAt.required(`because it is defined in ${at}`)];
  };
  return [
    ...validateCompleteness(condition, said),
    ...(isSchema(items) ? inner(items, said.schema.items, (at) => at.child("items")) : []),
    ...Object.entries(properties).flatMap(([name, property]) =>
      inner(property, said.schema.properties?.[name], (at) => at.child("properties").key(name)),
    ),
  ];
}
