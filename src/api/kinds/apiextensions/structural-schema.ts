import type { FieldError, Path } from "../../field.ts";
import { regexFrom } from "../../regex.ts";
import type { JSONSchemaProps, ValidationRule } from "../../schema/types.ts";
import { validateOneOf } from "../../validate/values.ts";
import { placeFrom } from "./field-path.ts";
import { placeInside, type RulePlace, rootPlace, validateRules } from "./schema-rules.ts";

/**
 * What is wrong with the schema of a custom resource (Kubernetes docs, "Extend the Kubernetes API with
 * CustomResourceDefinitions", section "Specifying a structural schema").
 */

const types = ["array", "boolean", "integer", "number", "object", "string"];
const reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

type Schema = JSONSchemaProps;
type Place = "root" | "property" | "item" | "additional";

const nameOf: Record<Exclude<Place, "root">, string> = {
  property: "specified object fields",
  item: "specified array items",
  additional: "specified object fields",
};

export function validateDefinedSchema(schema: Schema, at: Path): FieldError[] {
  const rules: FieldError[] = [];
  const place = rootPlace();
  const errors = validateTree(schema, "root", at, { place, rules });
  return [...errors, ...rules, ...place.total.errors(at)];
}

/** What goes down the tree: where rules stand, and what is wrong with them. */
interface Walk {
  readonly place: RulePlace;
  readonly rules: FieldError[];
}

/** The schema of the field that a path like ".spec.size" names. */
export function schemaAt(schema: Schema, jsonPath: string): Schema | undefined {
  let found: Schema | undefined = schema;
  for (const name of jsonPath.split(".").slice(1)) found = found?.properties?.[name];
  return found;
}

function validateTree(schema: Schema, place: Place, at: Path, walk: Walk): FieldError[] {
  const { items, additionalProperties, properties = {} } = schema;
  const inner: Walk = { ...walk, place: placeInside(schema, walk.place, at) };
  const errors = [
    ...validateForbidden(schema, at),
    ...validateLists(schema, at),
    ...(schema["x-kubernetes-validations"] ?? []).flatMap((rule, i) =>
      validateRule(rule, schema, at.child("x-kubernetes-validations").index(i)),
    ),
    ...(schema.type === "array" && !items ? [at.child("items").required("must be specified")] : []),
    ...validateType(schema, place, at),
    ...Object.entries(properties).flatMap(([name, property]) =>
      validateTree(property, "property", at.child("properties").key(name), inner),
    ),
    ...(isSchema(items) ? validateTree(items, "item", at.child("items"), inner) : []),
    ...(isSchema(additionalProperties)
      ? validateTree(additionalProperties, "additional", at.child("additionalProperties"), inner)
      : []),
    ...(isSchema(additionalProperties) && Object.keys(properties).length > 0
      ? [at.child("additionalProperties").forbidden("additionalProperties and properties are mutual exclusive")]
      : []),
    ...(["allOf", "anyOf", "oneOf"] as const).flatMap((junctor) =>
      (schema[junctor] ?? []).flatMap((part, i) => validatePartial(part, at.child(junctor).index(i))),
    ),
    ...(schema.not ? validatePartial(schema.not, at.child("not")) : []),
  ];
  // Rules speak of what the schema says; where that is wrong, so would be what is said of them.
  if (errors.length === 0)
    walk.rules.push(...validateRules(schema, at, { isRoot: place === "root", place: walk.place }));
  return errors;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function validateType(schema: Schema, place: Place, at: Path): FieldError[] {
  const { type = "" } = schema;
  const typeAt = at.child("type");
  if (place === "root") {
    if (type === "") return [typeAt.required("must not be empty at the root")];
    if (!types.includes(type)) return [typeAt.notSupported(type, types)];
    return type === "object" ? [] : [typeAt.invalid(type, "must be object at the root")];
  }
  if (schema["x-kubernetes-int-or-string"])
    return type === "" ? [] : [typeAt.invalid(type, "must be empty if x-kubernetes-int-or-string is true")];
  if (type === "")
    return schema["x-kubernetes-preserve-unknown-fields"]
      ? []
      : [typeAt.required(`must not be empty for ${nameOf[place]}`)];
  return types.includes(type) ? [] : [typeAt.notSupported(type, types)];
}

/** What JSON Schema has and structural schemas do not. */
function validateForbidden(schema: Schema, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.definitions) errors.push(at.child("definitions").forbidden("definitions is not supported"));
  if (schema.dependencies) errors.push(at.child("dependencies").forbidden("dependencies is not supported"));
  if (schema.patternProperties)
    errors.push(at.child("patternProperties").forbidden("patternProperties is not supported"));
  if (schema.additionalItems !== undefined)
    errors.push(at.child("additionalItems").forbidden("additionalItems is not supported"));
  if (schema.id) errors.push(at.child("id").forbidden("id is not supported"));
  if (schema.$ref) errors.push(at.child("$ref").forbidden("$ref is not supported"));
  if (schema.uniqueItems)
    errors.push(
      at
        .child("uniqueItems")
        .forbidden("uniqueItems cannot be set to true since the runtime complexity becomes quadratic"),
    );
  if (schema.additionalProperties === false)
    errors.push(at.child("additionalProperties").forbidden("additionalProperties cannot be set to false"));
  if (schema.pattern !== undefined && !regexFrom(schema.pattern))
    errors.push(at.child("pattern").invalid(schema.pattern, "must be a valid regular expression, but isn't"));
  return errors;
}

/** How lists and maps are merged. */
function validateLists(schema: Schema, at: Path): FieldError[] {
  const listType = schema["x-kubernetes-list-type"];
  const mapType = schema["x-kubernetes-map-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const errors: FieldError[] = [];
  if (listType !== undefined) {
    if (schema.type !== "array")
      errors.push(
        schema.type
          ? at.child("type").invalid(schema.type, "must be array if x-kubernetes-list-type is specified")
          : at.child("type").required("must be array if x-kubernetes-list-type is specified"),
      );
    errors.push(...validateOneOf(listType, ["atomic", "set", "map"], at.child("x-kubernetes-list-type")));
  }
  const keyPlace = at.child("x-kubernetes-list-map-keys");
  if (keys.length > 0 && listType !== "map")
    errors.push(
      listType === undefined
        ? at.child("x-kubernetes-list-type").required("must be map if x-kubernetes-list-map-keys is non-empty")
        : at
            .child("x-kubernetes-list-type")
            .invalid(listType, "must be map if x-kubernetes-list-map-keys is non-empty"),
    );
  if (listType === "map" && keys.length === 0)
    errors.push(keyPlace.required("must not be empty if x-kubernetes-list-type is map"));
  const itemProperties = isSchema(schema.items) ? (schema.items.properties ?? {}) : {};
  if (listType === "map")
    for (const [i, key] of keys.entries()) {
      if (!itemProperties[key])
        errors.push(keyPlace.index(i).invalid(key, "entries must all be names of item properties"));
      if (keys.indexOf(key) < i) errors.push(keyPlace.index(i).duplicate(key));
    }
  if (mapType !== undefined)
    errors.push(...validateOneOf(mapType, ["atomic", "granular"], at.child("x-kubernetes-map-type")));
  return errors;
}

/** Inside allOf, anyOf, oneOf and not there are conditions only: what a field is, is said outside. */
function validatePartial(schema: Schema, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const empty = "must be empty to be structural";
  if (schema.type) errors.push(at.child("type").forbidden(empty));
  if (isSchema(schema.additionalProperties))
    errors.push(at.child("additionalProperties").forbidden("must be undefined to be structural"));
  if (schema.title) errors.push(at.child("title").forbidden(empty));
  if (schema.description) errors.push(at.child("description").forbidden(empty));
  if (schema.default !== undefined) errors.push(at.child("default").forbidden("must be undefined to be structural"));
  if (schema.nullable) errors.push(at.child("nullable").forbidden("must be false to be structural"));
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    errors.push(...validatePartial(property, at.child("properties").key(name)));
  if (isSchema(schema.items)) errors.push(...validatePartial(schema.items, at.child("items")));
  for (const junctor of ["allOf", "anyOf", "oneOf"] as const)
    for (const [i, part] of (schema[junctor] ?? []).entries())
      errors.push(...validatePartial(part, at.child(junctor).index(i)));
  if (schema.not) errors.push(...validatePartial(schema.not, at.child("not")));
  return errors;
}

/** A rule's surroundings; its expressions are looked at when these are in order. */
function validateRule(
  { rule = "", message, messageExpression, reason, fieldPath }: ValidationRule,
  schema: Schema,
  at: Path,
): FieldError[] {
  const place = at.child("fieldPath");
  return [
    ...validateRuleText(rule, message, at),
    ...(messageExpression && messageExpression.trim() === ""
      ? [at.child("messageExpression").required("must be non-empty if specified")]
      : []),
    ...(reason ? validateOneOf(reason, reasons, at.child("reason")) : []),
    ...(fieldPath && fieldPath.trim() === "" ? [place.invalid(fieldPath, "must be non-empty if specified")] : []),
    ...(fieldPath && /[\n\r]/.test(fieldPath) ? [place.invalid(fieldPath, "must not contain line breaks")] : []),
    ...(fieldPath && !placeFrom(fieldPath, schema) ? [place.invalid(fieldPath, "must be a valid path")] : []),
  ];
}

function validateRuleText(rule: string, message: string | undefined, at: Path): FieldError[] {
  const place = at.child("message");
  const shown = message?.trim() ?? "";
  if (rule.trim() === "") return [at.child("rule").required("rule is not specified")];
  if (message && shown === "") return [place.invalid(message, "must be non-empty if specified")];
  if (/[\n\r]/.test(shown)) return [place.invalid(message, "must not contain line breaks")];
  return /[\n\r]/.test(rule.trim()) && shown === ""
    ? [place.required("must be specified if rule contains line breaks")]
    : [];
}
