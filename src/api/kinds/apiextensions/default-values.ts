import { CompileError } from "../../cel/expression.ts";
import { validateEmbedded } from "../../custom-resource/embedded.ts";
import { checkRules, rulesFrom } from "../../custom-resource/rules.ts";
import { validateSchema } from "../../custom-resource/validate-schema.ts";
import type { FieldError, Path } from "../../field.ts";
import { unknownFields } from "../../schema/structural.ts";
import type { JSONSchemaProps } from "../../schema/types.ts";
import { isSchema } from "./structural-schema.ts";

/** The fields that every resource has. */
export const metaFields: ReadonlySet<string> = new Set(["metadata", "kind", "apiVersion"]);

/** What a schema fills in must be right by that schema (Kubernetes docs, "Defaulting"). */
export function validateDefaults(schema: JSONSchemaProps, at: Path): FieldError[] {
  return validateIn({ ...schema, "x-kubernetes-embedded-resource": true }, at, false);
}

function validateIn(schema: JSONSchemaProps, at: Path, isInMeta: boolean): FieldError[] {
  const { items, properties = {} } = schema;
  const isResource = schema["x-kubernetes-embedded-resource"] === true;
  const inMeta = isInMeta && !isResource;
  return [
    ...(schema.default === undefined ? [] : validateDefault(schema, at.child("default"), inMeta)),
    ...(isSchema(items) ? validateIn(items, at.child("items"), inMeta) : []),
    ...Object.entries(properties).flatMap(([name, property]) =>
      validateIn(property, at.child("properties").key(name), inMeta || (isResource && metaFields.has(name))),
    ),
  ];
}

function validateDefault(schema: JSONSchemaProps, at: Path, isInMeta: boolean): FieldError[] {
  const value = schema.default;
  const isResource = schema["x-kubernetes-embedded-resource"] === true;
  const pruned =
    !isInMeta && unknownFields(value, schema, { isResource }).length > 0
      ? [at.invalid(value, "must not have unknown fields")]
      : [];
  const wrong = isInMeta ? [] : validateEmbedded(value, schema, at);
  if (wrong.length > 0) return [...pruned, ...wrong];
  const errors = validateSchema(value, schema, at);
  if (errors.length > 0) return [...pruned, ...errors];
  return [...pruned, ...ruleErrors(schema, at)];
}

/** Rules hold for what is filled in as if it had been there before. */
function ruleErrors(schema: JSONSchemaProps, at: Path): FieldError[] {
  const value = schema.default;
  try {
    const rules = rulesFrom(schema, { isResource: schema["x-kubernetes-embedded-resource"] === true });
    return checkRules(rules, value, { at, before: { value, isSame: false }, warn: () => undefined });
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return [at.invalid(schema.type ?? "", `rule compile error: ${error.message}`)];
  }
}
