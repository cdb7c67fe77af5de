import type { FieldError, Path } from "../../field.ts";
import { isObject } from "../../patch/value.ts";
import type { DeviceTaint, DeviceToleration, OpaqueDeviceConfiguration } from "../../schema/types.ts";
import { validateLabelName } from "../../validate/labels.ts";
import { cIdentifier, dnsLabel, dnsSubdomain, labelValue } from "../../validate/names.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";
import { validateCsiDriverName } from "../../validate/volumes.ts";

/** What claims, classes and slices of devices (resource.k8s.io) say alike. */

const longestPoolName = 253;
const longestId = 32;
const longestParameters = 10 * 1024;
const mostBindingConditions = 4;
const effects = ["NoExecute", "NoSchedule", "None"];

/** A list with no more than `max` items, where none may be there twice; with too many of them nobody looks at what they are. */
export function validateList<T>(
  items: readonly T[] | undefined,
  at: Path,
  {
    max = Number.POSITIVE_INFINITY,
    each,
    key,
  }: {
    readonly max?: number;
    readonly each: (item: T, at: Path) => FieldError[];
    /** What tells items apart; absent: they may be the same. */
    readonly key?: (item: T) => unknown;
  },
): FieldError[] {
  if (!items) return [];
  if (items.length > max) return [at.tooMany(items.length, max)];
  const keys = key ? items.map((item) => JSON.stringify(key(item))) : [];
  return [
    ...items.flatMap((item, i) => each(item, at.index(i))),
    ...(key
      ? items.flatMap((item, i) => (keys.indexOf(keys[i] ?? "") < i ? [at.index(i).duplicate(key(item))] : []))
      : []),
  ];
}

/** The entries of a map. */
export function validateEntries<T>(
  map: Readonly<Record<string, T>> | undefined,
  at: Path,
  {
    max = Number.POSITIVE_INFINITY,
    name,
    each,
  }: {
    readonly max?: number;
    readonly name: (name: string, at: Path) => FieldError[];
    readonly each?: (value: T, at: Path) => FieldError[];
  },
): FieldError[] {
  const entries = Object.entries(map ?? {});
  if (entries.length > max) return [at.tooMany(entries.length, max)];
  return entries.flatMap(([key, value]) => [...name(key, at), ...(each?.(value, at.key(key)) ?? [])]);
}

/** The name of a device, a request, a counter. */
export function validateLabelText(name: string | undefined, at: Path): FieldError[] {
  return name ? validateText(dnsLabel, name, at) : [at.required()];
}

/** Subdomains with slashes between them. */
export function validatePoolName(name: string | undefined, at: Path): FieldError[] {
  if (!name) return [at.required()];
  return [
    ...(name.length > longestPoolName ? [at.tooLong(longestPoolName)] : []),
    ...name.split("/").flatMap((part) => validateText(dnsSubdomain, part, at)),
  ];
}

/** The name of an attribute or a capacity: an identifier, or a domain and one. */
export function validateAttributeName(name: string, at: Path): FieldError[] {
  const [first = "", second, ...more] = name.split("/");
  if (second === undefined) return validateIdentifier(first, at);
  if (more.length > 0) return [];
  return [
    ...(first ? validateCsiDriverName(first, at) : [at.invalid("", "the domain must not be empty")]),
    ...(second ? validateIdentifier(second, at) : [at.invalid("", "the name must not be empty")]),
  ];
}

export function validateFullAttributeName(name: string, at: Path): FieldError[] {
  return [
    ...validateAttributeName(name, at),
    ...(name.includes("/")
      ? []
      : [at.invalid(name, "a fully qualified name must be a domain and a name separated by a slash")]),
  ];
}

function validateIdentifier(id: string, at: Path): FieldError[] {
  return [...(id.length > longestId ? [at.tooLong(longestId)] : []), ...validateText(cIdentifier, id, at)];
}

/** What a driver is told: in its own words, which nobody else knows. */
export function validateOpaque(opaque: OpaqueDeviceConfiguration | undefined, at: Path): FieldError[] {
  if (!opaque) return [at.required()];
  return [
    ...validateCsiDriverName(opaque.driver ?? "", at.child("driver")),
    ...validateRaw(opaque.parameters, at.child("parameters")),
  ];
}

export function validateRaw(value: unknown, at: Path): FieldError[] {
  if (value === undefined || value === null) return [at.required()];
  if (Buffer.byteLength(JSON.stringify(value)) > longestParameters) return [at.tooLong(longestParameters)];
  return isObject(value) ? [] : [at.invalid("<value omitted>", "must be a valid JSON object")];
}

export function validateTaint({ key = "", value, effect }: DeviceTaint, at: Path): FieldError[] {
  return [
    ...validateLabelName(key, at.child("key")),
    ...(value ? validateText(labelValue, value, at.child("value")) : []),
    ...(effect ? validateOneOf(effect, effects, at.child("effect")) : [at.child("effect").required()]),
  ];
}

export function validateToleration({ key, operator, value = "", effect }: DeviceToleration, at: Path): FieldError[] {
  const errors = key ? validateLabelName(key, at.child("key")) : [];
  if (operator === "Exists" && value)
    errors.push(at.child("value").invalid(value, "must be empty for operator `Exists`"));
  else if (operator === "Equal") errors.push(...validateText(labelValue, value, at.child("value")));
  else if (!operator) errors.push(at.child("operator").required());
  else errors.push(...validateOneOf(operator, ["Equal", "Exists"], at.child("operator")));
  return [...errors, ...(effect ? validateOneOf(effect, effects, at.child("effect")) : [])];
}

/** What must come true of a device before a pod is bound, and what says that it never will. */
export function validateBinding(
  { bindingConditions = [], bindingFailureConditions = [] }: BindingConditions,
  at: Path,
): FieldError[] {
  const [wanted, feared] = [at.child("bindingConditions"), at.child("bindingFailureConditions")];
  const limited = { max: mostBindingConditions, each: validateLabelName };
  const again = (list: readonly string[], place: Path): FieldError[] =>
    list.flatMap((condition, i) => (list.indexOf(condition) < i ? [place.index(i).duplicate(condition)] : []));
  const required = (what: string, other: string): string => `${what} are required to use ${other}`;
  const errors = [
    ...validateList(bindingConditions, wanted, limited),
    ...validateList(bindingFailureConditions, feared, limited),
    ...again(bindingConditions, wanted),
  ];
  for (const [i, condition] of bindingFailureConditions.entries()) {
    if (bindingFailureConditions.indexOf(condition) < i) errors.push(feared.index(i).duplicate(condition));
    if (bindingConditions.includes(condition))
      errors.push(
        feared.index(i).invalid(condition, "bindingFailureConditions must not overlap with bindingConditions"),
      );
  }
  if (bindingConditions.length === 0 && bindingFailureConditions.length > 0)
    errors.push(wanted.invalid(null, required("bindingConditions", "bindingFailureConditions")));
  if (bindingFailureConditions.length === 0 && bindingConditions.length > 0)
    errors.push(feared.invalid(null, required("bindingFailureConditions", "bindingConditions")));
  return errors;
}

interface BindingConditions {
  readonly bindingConditions?: string[];
  readonly bindingFailureConditions?: string[];
}
