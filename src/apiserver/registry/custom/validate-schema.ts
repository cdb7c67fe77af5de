import { isIP } from "node:net";
import { type FieldError, Path } from "../../../api/field.ts";
import { regexFrom } from "../../../api/regex.ts";
import type { JSONSchemaProps } from "../../../api/schema/types.ts";
import { sameJson } from "../paths.ts";
import { type Before, beforeField, beforeItem, nothingBefore } from "./correlate.ts";

/**
 * What is wrong with a value, by a custom resource's schema (Kubernetes docs, "Specifying a structural schema"). What was there
 * before as it is now is forgiven.
 */
export function validateSchema(
  value: unknown,
  schema: JSONSchemaProps,
  at: Path,
  before: Before = nothingBefore,
): FieldError[] {
  if (before.isSame) return [];
  if (value === null && schema.nullable) return [];
  const wrongType = typeError(value, schema, at);
  if (wrongType) return [wrongType, ...fractionErrors(value, schema, at)];
  return [
    ...enumErrors(value, schema, at),
    ...textErrors(value, schema, at),
    ...numberErrors(value, schema, at),
    ...listErrors(value, schema, at, before),
    ...objectErrors(value, schema, at, before),
    ...combinationErrors(value, schema, at),
  ];
}

function jsonType(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function typeError(value: unknown, schema: JSONSchemaProps, at: Path): FieldError | undefined {
  const is = jsonType(value);
  const bad = (wanted: string): FieldError => ({
    ...at.invalid(is, `${at} in body must be of type ${wanted}: ${JSON.stringify(is)}`),
    reason: "FieldValueTypeInvalid",
  });
  if (schema["x-kubernetes-int-or-string"])
    return is === "integer" || is === "string" ? undefined : bad("integer,string");
  const { type } = schema;
  if (!type || type === is || (type === "number" && is === "integer")) return undefined;
  return bad(type);
}

/** A fraction where a whole number is wanted is complained of three times, as by Kubernetes' own validator. */
function fractionErrors(value: unknown, schema: JSONSchemaProps, at: Path): FieldError[] {
  if (schema.type !== "integer" || typeof value !== "number") return [];
  return [
    new Path().invalid("", `Checked value must be of type integer (default format) in ${at}`),
    ...numberErrors(value, schema, at),
  ];
}

function enumErrors(value: unknown, { enum: choices }: JSONSchemaProps, at: Path): FieldError[] {
  if (!choices || choices.some((choice) => sameJson(choice, value))) return [];
  return [
    at.notSupported(
      value,
      choices.map((choice) => (typeof choice === "string" ? choice : JSON.stringify(choice))),
    ),
  ];
}

function textErrors(value: unknown, schema: JSONSchemaProps, at: Path): FieldError[] {
  if (typeof value !== "string") return [];
  const { minLength, maxLength, pattern, format } = schema;
  const length = [...value].length;
  const errors: FieldError[] = [];
  if (maxLength !== undefined && length > maxLength) errors.push(at.tooLong(maxLength));
  if (minLength !== undefined && length < minLength)
    errors.push(at.invalid(value, `${at} in body should be at least ${minLength} chars long`));
  if (pattern !== undefined && regexFrom(pattern)?.test(value) === false)
    errors.push(at.invalid(value, `${at} in body should match '${pattern}'`));
  if (format !== undefined && formats[format]?.(value) === false)
    errors.push({
      ...at.invalid(value, `${at} in body must be of type ${format}: ${JSON.stringify(value)}`),
      reason: "FieldValueTypeInvalid",
    });
  return errors;
}

const formats: Readonly<Record<string, (value: string) => boolean>> = {
  "date-time": (value) => /^\d{4}-\d\d-\d\d[tT ]\d\d:\d\d:\d\d/.test(value) && !Number.isNaN(Date.parse(value)),
  date: (value) => /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value)),
  ipv4: (value) => isIP(value) === 4,
  ipv6: (value) => isIP(value) === 6,
  byte: (value) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value),
  uuid: (value) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(value),
  email: (value) => /^[^@\s]+@[^@\s]+$/.test(value),
  hostname: (value) =>
    /^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*$/.test(value),
  cidr: (value) => /^[^/]+\/\d{1,3}$/.test(value) && isIP(value.split("/")[0] ?? "") > 0,
  mac: (value) => /^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(value),
};

function numberErrors(value: unknown, schema: JSONSchemaProps, at: Path): FieldError[] {
  if (typeof value !== "number") return [];
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const errors: FieldError[] = [];
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf))
    errors.push(at.invalid(value, `${at} in body should be a multiple of ${multipleOf}`));
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum))
    errors.push(
      at.invalid(value, `${at} in body should be less than ${exclusiveMaximum ? "" : "or equal to "}${maximum}`),
    );
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum))
    errors.push(
      at.invalid(value, `${at} in body should be greater than ${exclusiveMinimum ? "" : "or equal to "}${minimum}`),
    );
  return errors;
}

function listErrors(value: unknown, schema: JSONSchemaProps, at: Path, before: Before): FieldError[] {
  if (!Array.isArray(value)) return [];
  const { minItems, maxItems, items, uniqueItems } = schema;
  const errors: FieldError[] = [];
  if (minItems !== undefined && value.length < minItems)
    errors.push(at.invalid(value.length, `${at} in body should have at least ${minItems} items`));
  if (maxItems !== undefined && value.length > maxItems) errors.push(tooMany(value.length, maxItems, at));
  if (items && !Array.isArray(items))
    for (const [i, item] of value.entries())
      errors.push(...validateSchema(item, items, at.index(i), beforeItem(schema, before, item)));
  if (uniqueItems || schema["x-kubernetes-list-type"] === "set") errors.push(...repeated(value, at, (item) => item));
  if (schema["x-kubernetes-list-type"] === "map") {
    const keys = schema["x-kubernetes-list-map-keys"] ?? [];
    const keyOf = (item: unknown): unknown =>
      Object.fromEntries(keys.map((key) => [key, (item as Record<string, unknown> | null)?.[key]]));
    errors.push(...repeated(value, at, keyOf));
  }
  return errors;
}

function tooMany(actual: number, most: number, at: Path): FieldError {
  const message = `Too many: ${actual}: must have at most ${most} item${most === 1 ? "" : "s"}`;
  return { reason: "FieldValueTooMany", field: at.toString(), message };
}

function repeated(items: readonly unknown[], at: Path, keyOf: (item: unknown) => unknown): FieldError[] {
  const seen = new Set<string>();
  return items.flatMap((item, i) => {
    const key = JSON.stringify(keyOf(item));
    if (seen.has(key)) return [at.index(i).duplicate(keyOf(item))];
    seen.add(key);
    return [];
  });
}

function objectErrors(value: unknown, schema: JSONSchemaProps, at: Path, before: Before): FieldError[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  const object = value as Record<string, unknown>;
  const { minProperties, maxProperties, properties = {}, required = [], additionalProperties } = schema;
  const count = Object.keys(object).length;
  const errors: FieldError[] = [];
  if (minProperties !== undefined && count < minProperties)
    errors.push(at.invalid(count, `${at} in body should have at least ${minProperties} properties`));
  if (maxProperties !== undefined && count > maxProperties) errors.push(tooMany(count, maxProperties, at));
  const isMissing = (name: string): boolean =>
    object[name] === undefined || (object[name] === null && !properties[name]?.nullable);
  // A whole resource inside another says what it is, whatever its schema asks for.
  const needed = schema["x-kubernetes-embedded-resource"] ? [...required, ...typeFields] : required;
  for (const name of new Set(needed)) if (isMissing(name)) errors.push(at.child(name).required());
  for (const [name, field] of Object.entries(object)) {
    // A null that the schema does not allow is as good as nothing.
    if (isMissing(name)) continue;
    const inner = Object.hasOwn(properties, name)
      ? properties[name]
      : typeof additionalProperties === "object"
        ? additionalProperties
        : undefined;
    if (inner) errors.push(...validateSchema(field, inner, at.child(name), beforeField(schema, before, name, field)));
  }
  return errors;
}

const typeFields = ["apiVersion", "kind"];

function combinationErrors(value: unknown, schema: JSONSchemaProps, at: Path): FieldError[] {
  const { allOf = [], anyOf, oneOf, not } = schema;
  const errors = allOf.flatMap((inner) => validateSchema(value, inner, at));
  const whole = (text: string): FieldError => new Path().invalid("", `${JSON.stringify(at.toString())} ${text}`);
  if (anyOf) {
    const results = anyOf.map((inner) => validateSchema(value, inner, at));
    if (results.every((found) => found.length > 0))
      errors.push(whole("must validate at least one schema (anyOf)"), ...(results[0] ?? []));
  }
  if (oneOf) {
    const valid = oneOf.filter((inner) => validateSchema(value, inner, at).length === 0).length;
    if (valid !== 1)
      errors.push(
        whole(
          `must validate one and only one schema (oneOf). ${valid === 0 ? "Found none valid" : `Found ${valid} valid alternatives`}`,
        ),
      );
  }
  if (not && validateSchema(value, not, at).length === 0) errors.push(whole("must not validate the schema (not)"));
  return errors;
}
