import type { FieldError, Path } from "../../field.ts";
import type { JSONSchemaProps, ValidationRule } from "../../schema/types.ts";
import { validateOneOf } from "../../validate/values.ts";
import { metaFields, validateDefaults } from "./default-values.ts";
import { fieldFrom } from "./field-path.ts";
import { validateMergeRules } from "./list-rules.ts";
import { placeInside, type RulePlace, rootPlace, validateRules } from "./schema-rules.ts";
import { schemaView } from "./schema-view.ts";
import { isSchema, unsupportedIn, validateStructure } from "./structural-schema.ts";

type Schema = JSONSchemaProps;

const types = ["array", "boolean", "integer", "number", "object", "string"];
const reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/** What the root may say beside its status, which is judged by itself when there is a subresource for it. */
const besideStatus =
  "Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations".split(
    " ",
  );

export interface SchemaUse {
  /** Whether the definition has the subresource "status". */
  readonly hasStatus: boolean;
  /** Whether the schema is stored as it is. */
  readonly isStored: boolean;
}

/** What is wrong with the schema of a custom resource. */
export function validateDefinedSchema(schema: Schema, at: Path, { hasStatus, isStored }: SchemaUse): FieldError[] {
  const unsupported = unsupportedIn(schema);
  const structure = unsupported ? [] : validateStructure(schema, at);
  const defaults = unsupported || structure.length > 0 ? [] : validateDefaults(schema, at);
  // Rules speak of what the schema says; where that is wrong, so would be what is said of them.
  const place = unsupported || structure.length + defaults.length > 0 ? undefined : rootPlace();
  const found: Found = { errors: [], rules: [] };
  validateTree(schema, at, found, { level: "root", place, isStored });
  const errors = [
    ...(hasStatus ? validateRoot(schema, at) : []),
    ...(schema.nullable ? [at.child("nullable").forbidden("nullable cannot be true at the root")] : []),
    ...structure,
    ...defaults,
    ...found.errors,
    ...found.rules,
  ];
  if (errors.length === 0 && unsupported) return [at.invalid("", unsupported)];
  return [...errors, ...(place?.total.errors(at) ?? [])];
}

function validateRoot(schema: Schema, at: Path): FieldError[] {
  for (const [field, value] of Object.entries(schemaView(schema) ?? {})) {
    if (value === null || value === "" || value === false) continue;
    if (field === "Type" && value !== "object")
      return [
        at
          .child("type")
          .invalid(
            value,
            'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
          ),
      ];
    if (!besideStatus.includes(field))
      return [
        at.invalid(
          schemaView(schema),
          `only [${besideStatus.join(" ")}] fields are allowed at the root of the schema if the status subresource is enabled`,
        ),
      ];
  }
  return [];
}

interface Found {
  readonly errors: FieldError[];
  readonly rules: FieldError[];
}

/** How a schema stands in the tree. */
interface Stand {
  readonly level: "root" | "inside";
  /** Where its rules stand; undefined: they are not looked at. */
  readonly place: RulePlace | undefined;
  readonly isStored: boolean;
  /** Whether it is of a field that every resource has. */
  readonly isInMeta?: boolean;
  /** Why it may have no default. */
  readonly noDefault?: string | undefined;
}

function validateTree(schema: Schema, at: Path, found: Found, stand: Stand): void {
  const before = found.errors.length;
  const { place, isStored, isInMeta = false, noDefault } = stand;
  found.errors.push(...validateSupported(schema, at, stand));
  const inner: Stand = {
    level: "inside",
    place: place && placeInside(schema, place, at),
    isStored,
    isInMeta,
    noDefault,
  };
  const { additionalProperties, properties = {}, items } = schema;
  if (additionalProperties !== undefined) {
    if (Object.keys(properties).length > 0 && additionalProperties !== true)
      found.errors.push(
        at.child("additionalProperties").forbidden("additionalProperties and properties are mutual exclusive"),
      );
    const inMeta = isInMeta ? "inside additionalProperties applying to object metadata" : noDefault;
    if (isSchema(additionalProperties))
      validateTree(additionalProperties, at.child("additionalProperties"), found, { ...inner, noDefault: inMeta });
  }
  const isResource = stand.level === "root" || schema["x-kubernetes-embedded-resource"] === true;
  for (const [name, property] of Object.entries(properties)) {
    const isMeta = isResource && metaFields.has(name);
    validateTree(property, at.child("properties").key(name), found, {
      ...inner,
      isInMeta: isInMeta || isMeta,
      noDefault: isMeta && stand.level === "root" ? `in top-level ${name}` : noDefault,
    });
  }
  const condition: Stand = { ...inner, place: undefined };
  if (schema.not) validateTree(schema.not, at.child("not"), found, condition);
  for (const junctor of ["allOf", "oneOf", "anyOf"] as const)
    for (const [i, part] of (schema[junctor] ?? []).entries())
      validateTree(part, at.child(junctor).index(i), found, condition);
  for (const [name, part] of Object.entries(schema.definitions ?? {}))
    validateTree(part, at.child("definitions").key(name), found, condition);
  if (isSchema(items)) validateTree(items, at.child("items"), found, inner);
  else for (const [i, part] of (items ?? []).entries()) validateTree(part, at.child("items").index(i), found, inner);
  for (const [name, part] of Object.entries(schema.dependencies ?? {}))
    if (isSchema(part)) validateTree(part, at.child("dependencies").key(name), found, condition);
  if (schema["x-kubernetes-preserve-unknown-fields"] === false)
    found.errors.push(at.child("x-kubernetes-preserve-unknown-fields").invalid(false, "must be true or undefined"));
  found.errors.push(...validateMergeRules(schema, at));
  for (const [i, rule] of (schema["x-kubernetes-validations"] ?? []).entries())
    found.errors.push(...validateRule(rule, schema, at.child("x-kubernetes-validations").index(i)));
  if (found.errors.length === before && place)
    found.rules.push(...validateRules(schema, at, { isRoot: stand.level === "root", place, costIsKnown: isStored }));
}

/** What JSON Schema has and definitions do not. */
function validateSupported(schema: Schema, at: Path, { isInMeta, noDefault }: Stand): FieldError[] {
  const { type } = schema;
  const errors = type && !types.includes(type) ? [at.child("type").notSupported(type, types)] : [];
  if (schema.default !== undefined && noDefault)
    errors.push(at.child("default").forbidden(`must not be set ${noDefault}`));
  for (const field of ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] as const)
    if (isGiven(schema[field])) errors.push(at.child(field).forbidden(`${field} is not supported`));
  if (type === "null")
    errors.push(at.child("type").forbidden("type cannot be set to null, use nullable as an alternative"));
  if (Array.isArray(schema.items) && schema.items.length > 0)
    errors.push(at.child("items").forbidden("items must be a schema object and not an array"));
  if (isInMeta && schema["x-kubernetes-embedded-resource"])
    errors.push(at.child("x-kubernetes-embedded-resource").forbidden("must not be used inside of resource meta"));
  if (schema.uniqueItems)
    errors.push(
      at
        .child("uniqueItems")
        .forbidden("uniqueItems cannot be set to true since the runtime complexity becomes quadratic"),
    );
  return errors;
}

function isGiven(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return value !== undefined && value !== "";
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
      ? [at.child("messageExpression").required("messageExpression must be non-empty if specified")]
      : []),
    ...(reason === undefined ? [] : validateOneOf(reason, reasons, at.child("reason"))),
    ...(fieldPath && fieldPath.trim() === "" ? [place.invalid(fieldPath, "must be non-empty if specified")] : []),
    ...(fieldPath && /[\n\r]/.test(fieldPath) ? [place.invalid(fieldPath, "must not contain line breaks")] : []),
    ...(fieldPath && !unsupportedIn(schema) && "problem" in fieldFrom(fieldPath, schema)
      ? [place.invalid(fieldPath, "must be a valid path")]
      : []),
  ];
}

function validateRuleText(rule: string, message: string | undefined, at: Path): FieldError[] {
  const place = at.child("message");
  const shown = message?.trim() ?? "";
  if (rule.trim() === "") return [at.child("rule").required("rule is not specified")];
  if (message && shown === "") return [place.invalid(message, "must be non-empty if specified")];
  if (/[\n\r]/.test(shown)) return [place.invalid(message, "must not contain line breaks")];
  return /[\n\r]/.test(rule.trim()) && shown === ""
    ? [place.required("message must be specified if rule contains line breaks")]
    : [];
}
