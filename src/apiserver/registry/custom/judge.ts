import { beforeOf, nothingBefore } from "../../../api/custom-resource/correlate.ts";
import { validateEmbedded } from "../../../api/custom-resource/embedded.ts";
import { validateListTypes } from "../../../api/custom-resource/list-types.ts";
import { checkRules, rulesFrom, type SchemaRules } from "../../../api/custom-resource/rules.ts";
import { validateSchema } from "../../../api/custom-resource/validate-schema.ts";
import { type FieldError, Path } from "../../../api/field.ts";
import type { AnyObject } from "../../../api/object.ts";
import { goText, isObject } from "../../../api/patch/value.ts";
import type { CustomResourceSubresources, JSONSchemaProps } from "../../../api/schema/types.ts";
import type { CustomSchema } from "../resources.ts";

const root = new Path();
const largestInt32 = 2 ** 31 - 1;

/** What says what is wrong with the objects of a version. */
export function judgeOf(
  schema: JSONSchemaProps,
  subresources: CustomResourceSubresources | undefined,
): CustomSchema["validate"] {
  const statusSchema = schema.properties?.status;
  // Most definitions are never written to: their rules are compiled for the first object.
  let rules: { readonly compiled: SchemaRules | undefined } | undefined;
  const withRules = hasRules(schema);
  return (object, { old, subresource, warn }) => {
    const before = old ? beforeOf(object, old) : nothingBefore;
    const isStatus = subresource === "status";
    const statusBefore = isStatus && old ? beforeOf(object.status, old.status) : nothingBefore;
    const errors = [
      ...(isStatus
        ? statusSchema && object.status !== undefined
          ? validateSchema(object.status, statusSchema, root.child("status"), statusBefore)
          : []
        : validateSchema(object, schema, root, before)),
      ...validateScale(object, subresources?.scale, isStatus),
      ...(isStatus ? [] : validateEmbedded(object, schema, root)),
      ...(old && validateListTypes(old, schema, root).length > 0 ? [] : validateListTypes(object, schema, root)),
    ];
    if (!withRules) return errors;
    if (errors.some(({ reason }) => blocking.has(reason))) return [...errors, notChecked];
    rules ??= { compiled: rulesFrom(schema) };
    return [...errors, ...checkRules(rules.compiled, object, { at: root, before, warn })];
  };
}

/** After these, rules would only complain of the same. */
const blocking: ReadonlySet<FieldError["reason"]> = new Set([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);
const notChecked = root.invalid(
  null,
  "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
);

function hasRules(schema: JSONSchemaProps): boolean {
  return JSON.stringify(schema).includes('"x-kubernetes-validations"');
}

/** What the scale subresource reads must be readable. */
function validateScale(object: AnyObject, scale: CustomResourceSubresources["scale"], isStatus: boolean): FieldError[] {
  if (!scale) return [];
  const selector = scale.labelSelectorPath ? foundAt(object, scale.labelSelectorPath, "string") : {};
  return [
    ...(isStatus ? [] : validateReplicas(object, scale.specReplicasPath)),
    ...validateReplicas(object, scale.statusReplicasPath),
    ...(selector.problem ? [new Path(scale.labelSelectorPath).invalid("", selector.problem)] : []),
  ];
}

function validateReplicas(object: AnyObject, path: string): FieldError[] {
  const { value, problem } = foundAt(object, path, "int64");
  const at = new Path(path);
  if (problem) return [at.invalid(0, problem)];
  if (typeof value !== "number") return [];
  if (value < 0) return [at.invalid(value, "should be a non-negative integer")];
  return value > largestInt32 ? [at.invalid(value, `should be less than or equal to ${largestInt32}`)] : [];
}

/** The value at a path of fields; what is in the way when it is not of the Go type. */
function foundAt(
  object: AnyObject,
  path: string,
  wanted: "int64" | "string",
): { readonly value?: unknown; readonly problem?: string } {
  const names = path.replace(/^\./, "").split(".");
  const problem = (value: unknown, depth: number, type: string): string =>
    `.${names.slice(0, depth).join(".")} accessor error: ${goText(value)} is of the type ${goType(value)}, expected ${type}`;
  let value: unknown = object;
  for (const [i, name] of names.entries()) {
    if (value === null) return {};
    if (!isObject(value)) return { problem: problem(value, i, "map[string]interface{}") };
    value = value[name];
    if (value === undefined) return {};
  }
  return goType(value) === wanted ? { value } : { problem: problem(value, names.length, wanted) };
}

function goType(value: unknown): string {
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "map[string]interface {}";
}
