import type { FieldError, Path } from "../field.ts";
import { isObject, sameValue } from "../patch/value.ts";
import { regexFrom } from "../regex.ts";
import type { JSONSchemaProps } from "../schema/types.ts";
import { type Before, beforeField, beforeItem, nothingBefore } from "./correlate.ts";
import { hasFormat, isCheckedFormat } from "./formats.ts";

/**
 * What is wrong with a value, by a custom resource's schema (Kubernetes docs, "Specifying a structural schema"), in the words of
 * Kubernetes' validator of OpenAPI schemas. What was there before as it is now is forgiven.
 * `inside`: the place of the value. Texts name what is wrong by its path from there.
 */
export function validateSchema(
  value: unknown,
  schema: JSONSchemaProps,
  inside: Path,
  before: Before = nothingBefore,
): FieldError[] {
  return judged(value, schema, { inside, name: "" }, before).errors;
}

interface Place {
  readonly inside: Path;
  /** The path from there, as texts name it. */
  readonly name: string;
}

/** What was found, and how much was in order: of alternatives the one that fits best is complained of. */
interface Result {
  readonly errors: readonly FieldError[];
  readonly matches: number;
}

function pathOf({ inside, name }: Place): Path {
  return inside.child(name.replace(/^\./, ""));
}

function merged(results: readonly Result[], more = 0): Result & { errors: FieldError[] } {
  return {
    errors: results.flatMap(({ errors }) => errors),
    matches: results.reduce((sum, { matches }) => sum + matches, more),
  };
}

function failed(...errors: FieldError[]): Result & { errors: FieldError[] } {
  return { errors, matches: 0 };
}

const fine: Result & { errors: FieldError[] } = { errors: [], matches: 0 };

function judged(
  value: unknown,
  schema: JSONSchemaProps,
  place: Place,
  before: Before,
): Result & { errors: FieldError[] } {
  if (before.isSame) return fine;
  if (value === null) return merged([typeResult(value, schema, place), enumResult(value, schema, place)]);
  const results = [
    ...(typesOf(schema).length > 0 || checkedFormat(schema) ? [typeResult(value, schema, place)] : []),
    combinationResult(value, schema, place),
    ...(typeof value === "string" ? [textResult(value, schema, place)] : []),
    ...(typeof value === "string" && checkedFormat(schema) ? [formatResult(value, schema, place)] : []),
    ...(typeof value === "number" ? [numberResult(value, schema, place)] : []),
    ...(Array.isArray(value) ? [listResult(value, schema, place, before)] : []),
    enumResult(value, schema, place),
    ...(isObject(value) ? [objectResult(value, schema, place, before)] : []),
  ];
  return merged(results, results.length + 1);
}

function typesOf(schema: JSONSchemaProps): readonly string[] {
  if (schema["x-kubernetes-int-or-string"]) return ["integer", "string"];
  return schema.type ? [schema.type] : [];
}

function checkedFormat({ format }: JSONSchemaProps): string | undefined {
  return format && isCheckedFormat(format) ? format : undefined;
}

function jsonType(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

/** What Kubernetes' decoder has made of a number: a format of its own. */
const numbersFormat: Readonly<Record<string, string>> = { integer: "int64", number: "float64" };

function typeResult(value: unknown, schema: JSONSchemaProps, place: Place): Result {
  const types = typesOf(schema);
  const is = jsonType(value);
  const right: Result = { errors: [], matches: 1 };
  if (value === null)
    return types.length > 0 && !schema.nullable ? failed(wrongType(place, types.join(","), is)) : right;
  const format = checkedFormat(schema);
  const isRight = types.includes(is) || (is === "integer" && types.includes("number"));
  const hasText = typeof value === "string" || Array.isArray(value);
  if (format && !hasText && !isRight) return failed(wrongType(place, format, numbersFormat[is] ?? ""));
  if (format && hasText && !types.includes("number") && !types.includes("integer")) return right;
  return isRight ? right : failed(wrongType(place, types.join(","), is));
}

function wrongType(place: Place, wanted: string, is: string): FieldError {
  return {
    ...pathOf(place).invalid(is, `${place.name} in body must be of type ${wanted}: ${JSON.stringify(is)}`),
    reason: "FieldValueTypeInvalid",
  };
}

function enumResult(value: unknown, { enum: choices }: JSONSchemaProps, place: Place): Result {
  if (!choices?.length || (value !== null && choices.some((choice) => sameValue(choice, value)))) return fine;
  const shown = choices.map((choice) => (typeof choice === "string" ? choice : JSON.stringify(choice)));
  return failed(pathOf(place).notSupported(value, shown));
}

/** Of what is wrong with a text the first is told. */
function textResult(value: string, { minLength, maxLength, pattern }: JSONSchemaProps, place: Place): Result {
  const length = [...value].length;
  const wrong = (text: string): Result => failed(pathOf(place).invalid(value, `${place.name} in body ${text}`));
  if (maxLength !== undefined && length > maxLength) return failed(pathOf(place).tooLong(maxLength));
  if (minLength !== undefined && length < minLength) return wrong(`should be at least ${minLength} chars long`);
  if (pattern && regexFrom(pattern)?.test(value) === false) return wrong(`should match '${pattern}'`);
  return fine;
}

function formatResult(value: string, { format = "" }: JSONSchemaProps, place: Place): Result {
  return hasFormat(value, format) ? fine : failed(wrongType(place, format, value));
}

function numberResult(value: number, schema: JSONSchemaProps, place: Place): Result {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const errors = notWhole("Checked", value, schema, place);
  const wrong = (text: string): void => {
    errors.push(pathOf(place).invalid(value, `${place.name} in body should be ${text}`));
  };
  if (multipleOf !== undefined) {
    errors.push(...notWhole("MultipleOf", multipleOf, schema, place));
    if (!isMultiple(value, multipleOf)) wrong(`a multiple of ${multipleOf}`);
  }
  if (maximum !== undefined) {
    errors.push(...notWhole("Maximum boundary", maximum, schema, place));
    if (exclusiveMaximum ? value >= maximum : value > maximum)
      wrong(`less than ${exclusiveMaximum ? "" : "or equal to "}${maximum}`);
  }
  if (minimum !== undefined) {
    errors.push(...notWhole("Minimum boundary", minimum, schema, place));
    if (exclusiveMinimum ? value <= minimum : value < minimum)
      wrong(`greater than ${exclusiveMinimum ? "" : "or equal to "}${minimum}`);
  }
  return { errors, matches: 1 };
}

/** Where a whole number is wanted, neither the value nor its bounds may be fractions. */
function notWhole(what: string, value: number, schema: JSONSchemaProps, { inside, name }: Place): FieldError[] {
  if (typesOf(schema)[0] !== "integer" || Number.isInteger(value)) return [];
  return [inside.invalid("", `${what} value must be of type integer (default format) in ${name}`)];
}

function isMultiple(value: number, factor: number): boolean {
  const times = factor < 1 ? (1 / factor) * value : value / factor;
  return Math.abs(times - Math.round(times)) < 1e-9;
}

function listResult(value: readonly unknown[], schema: JSONSchemaProps, place: Place, before: Before): Result {
  const { minItems, maxItems, items } = schema;
  const results: Result[] = [];
  if (items && !Array.isArray(items))
    for (const [i, item] of value.entries())
      results.push(judged(item, items, { ...place, name: `${place.name}[${i}]` }, beforeItem(schema, before, item)));
  if (minItems !== undefined && value.length < minItems)
    results.push(
      failed(pathOf(place).invalid(value.length, `${place.name} in body should have at least ${minItems} items`)),
    );
  if (maxItems !== undefined && value.length > maxItems)
    results.push(failed(pathOf(place).tooMany(value.length, maxItems)));
  return merged(results, 1);
}

function objectResult(object: Record<string, unknown>, schema: JSONSchemaProps, place: Place, before: Before): Result {
  const { minProperties, maxProperties, properties = {}, required = [], additionalProperties } = schema;
  const count = Object.keys(object).length;
  // With too many or too few of them nobody looks at what they are.
  if (minProperties !== undefined && count < minProperties)
    return failed(
      pathOf(place).invalid(count, `${place.name} in body should have at least ${minProperties} properties`),
    );
  if (maxProperties !== undefined && count > maxProperties) return failed(pathOf(place).tooMany(count, maxProperties));
  const results: Result[] = [];
  const look = (name: string, inner: JSONSchemaProps, path: string): void => {
    const then = beforeField(before, name, object[name]);
    results.push(judged(object[name], inner, { ...place, name: path }, then));
  };
  for (const name of Object.keys(object)) {
    if (Object.hasOwn(properties, name) || object[name] === undefined) continue;
    if (additionalProperties === false)
      results.push(failed(pathOf(place).invalid(name, `${place.name}.${name} in body is a forbidden property`)));
    else if (typeof additionalProperties === "object") look(name, additionalProperties, `${place.name}.${name}`);
  }
  for (const [name, inner] of Object.entries(properties))
    if (object[name] !== undefined) look(name, inner, place.name ? `${place.name}.${name}` : name);
  for (const name of required)
    if (object[name] === undefined)
      results.push(failed(pathOf({ ...place, name: `${place.name}.${name}` }).required()));
  return merged(results);
}

/** Alternatives and conditions. Of alternatives that all fail the one is told that fits best. */
function combinationResult(value: unknown, schema: JSONSchemaProps, place: Place): Result {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  const results: Result[] = [];
  const judge = (inner: JSONSchemaProps): Result => judged(value, inner, place, nothingBefore);
  const whole = (text: string): Result => failed(place.inside.invalid("", `${JSON.stringify(place.name)} ${text}`));
  if (anyOf.length > 0) {
    const found = anyOf.map(judge);
    const success = found.find(isRight);
    if (!success) results.push(whole("must validate at least one schema (anyOf)"));
    results.push(success ?? bestOf(found));
  }
  if (oneOf.length > 0) {
    const found = oneOf.map(judge);
    const right = found.filter(isRight);
    const [success] = right;
    const how = success ? `Found ${right.length} valid alternatives` : "Found none valid";
    if (right.length !== 1) results.push(whole(`must validate one and only one schema (oneOf). ${how}`));
    if (right.length <= 1) results.push(success ?? bestOf(found));
  }
  if (allOf.length > 0) {
    const found = allOf.map(judge);
    results.push(...found);
    const right = found.filter(isRight).length;
    if (right < allOf.length)
      results.push(whole(`must validate all the schemas (allOf)${right === 0 ? ". None validated" : ""}`));
  }
  if (not && isRight(judge(not))) results.push(whole("must not validate the schema (not)"));
  return merged(results, 1);
}

function isRight({ errors }: Result): boolean {
  return errors.length === 0;
}

function bestOf(results: readonly Result[]): Result {
  return results.reduce((best, result) => (result.matches > best.matches ? result : best));
}
