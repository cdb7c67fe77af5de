import type { FieldError, Path } from "../field.ts";
import type { ObjectMeta } from "../object.ts";
import { isObject } from "../patch/value.ts";
import type { JSONSchemaProps } from "../schema/types.ts";
import { dnsLabel1035, pathSegment } from "../validate/names.ts";
import { validateObjectMeta } from "../validate/object-meta.ts";

/**
 * Whole resources inside a value (x-kubernetes-embedded-resource): what they say of themselves. Changes are looked at like new
 * ones.
 */
export function validateEmbedded(value: unknown, schema: JSONSchemaProps, at: Path): FieldError[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items || Array.isArray(items)) return [];
    return value.flatMap((item, i) => validateEmbedded(item, items, at.index(i)));
  }
  if (!isObject(value)) return [];
  const { properties = {}, additionalProperties } = schema;
  return [
    ...(schema["x-kubernetes-embedded-resource"] ? validateResource(value, at) : []),
    ...Object.entries(value).flatMap(([name, inner]) => {
      if (Object.hasOwn(properties, name)) return validateEmbedded(inner, properties[name] ?? {}, at.child(name));
      return typeof additionalProperties === "object"
        ? validateEmbedded(inner, additionalProperties, at.key(name))
        : [];
    }),
  ];
}

function validateResource(resource: Record<string, unknown>, at: Path): FieldError[] {
  return [
    ...(["apiVersion", "kind"] as const).flatMap((field) =>
      resource[field] === undefined ? [at.child(field).required()] : [],
    ),
    ...Object.entries(resource).flatMap(([field, value]) => {
      switch (field) {
        case "apiVersion":
          return validateTypeField(value, at.child(field), groupVersion);
        case "kind":
          return validateTypeField(value, at.child(field), (kind) => {
            const wrong = dnsLabel1035(kind.toLowerCase());
            return wrong.length > 0 ? `may have mixed case, but should otherwise match: ${wrong.join(",")}` : "";
          });
        case "metadata":
          return isObject(value) ? validateMeta({ name: "fakename", ...value }, at.child(field)) : [];
        default:
          return [];
      }
    }),
  ];
}

function validateMeta(metadata: ObjectMeta, at: Path): FieldError[] {
  return validateObjectMeta(metadata, at, { nameRule: pathSegment, isNamespaced: Boolean(metadata.namespace) });
}

function validateTypeField(value: unknown, at: Path, whatIsWrong: (text: string) => string): FieldError[] {
  if (typeof value !== "string") return [at.invalid(value, "must be a string")];
  if (value === "") return [at.invalid(value, "must not be empty")];
  const wrong = whatIsWrong(value);
  return wrong ? [at.invalid(value, wrong)] : [];
}

function groupVersion(text: string): string {
  return text.split("/").length > 2 ? `unexpected GroupVersion string: ${text}` : "";
}
