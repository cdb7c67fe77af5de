import type { FieldError, Path } from "../../field.ts";
import { compareQuantities, numberOf } from "../../quantity.ts";
import type { LimitRangeItem } from "../../schema/types.ts";
import { qualifiedName } from "../../validate/names.ts";
import { allowsOvercommit, validateContainerResourceName, validateResourceName } from "../../validate/resources.ts";

const standardTypes = ["Pod", "Container", "PersistentVolumeClaim"];
const lists = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;

export function validateLimits(limits: readonly LimitRangeItem[], at: Path): FieldError[] {
  return limits.flatMap((limit, i) => {
    const place = at.index(i);
    const repeated = limits.findIndex(({ type }) => type === limit.type) < i;
    return [
      ...validateType(limit.type ?? "", place.child("type")),
      ...(repeated ? [place.child("type").duplicate(limit.type)] : []),
      ...validateLists(limit, place),
      ...resourcesOf(limit).flatMap((name) => validateAmounts(limit, name, place)),
    ];
  });
}

function validateType(type: string, at: Path): FieldError[] {
  const wrong = qualifiedName(type);
  if (wrong.length > 0) return wrong.map((text) => at.invalid(type, text));
  if (type.includes("/") || standardTypes.includes(type)) return [];
  return [at.invalid(type, "must be a standard limit type or fully qualified")];
}

function validateLists(limit: LimitRangeItem, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const rule =
    limit.type === "Pod" || limit.type === "Container" ? validateContainerResourceName : validateResourceName;
  for (const list of lists) {
    if (list === "maxLimitRequestRatio") errors.push(...validateClaimLimits(limit, at.child("limits")));
    const names = Object.keys(limit[list] ?? {}).sort();
    if (limit.type === "Pod" && (list === "default" || list === "defaultRequest")) {
      if (names.length > 0) errors.push(at.child(list).forbidden("may not be specified when `type` is 'Pod'"));
    } else for (const name of names) errors.push(...rule(name, at.child(list).key(name)));
  }
  return errors;
}

function validateClaimLimits({ type, min, max }: LimitRangeItem, at: Path): FieldError[] {
  if (type !== "PersistentVolumeClaim" || min?.storage !== undefined || max?.storage !== undefined) return [];
  return [at.required("either minimum or maximum storage value is required, but neither was provided")];
}

function resourcesOf(limit: LimitRangeItem): string[] {
  const counted = limit.type === "Pod" ? (["max", "min", "maxLimitRequestRatio"] as const) : lists;
  return [...new Set(counted.flatMap((list) => Object.keys(limit[list] ?? {})))].sort();
}

function validateAmounts(limit: LimitRangeItem, name: string, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const [min, max, ratio] = [limit.min?.[name], limit.max?.[name], limit.maxLimitRequestRatio?.[name]];
  const [usual, request] = [limit.default?.[name], limit.defaultRequest?.[name]];
  const more = (a: string | undefined, b: string | undefined) =>
    a !== undefined && b !== undefined && compareQuantities(a, b) > 0;
  const complain = (list: string, value: string | undefined, text: string) =>
    errors.push(at.child(list).key(name).invalid(value, text));
  if (more(min, max)) complain("min", min, `min value ${min} is greater than max value ${max}`);
  if (more(min, request))
    complain("defaultRequest", request, `min value ${min} is greater than default request value ${request}`);
  if (more(request, max))
    complain("defaultRequest", request, `default request value ${request} is greater than max value ${max}`);
  if (more(request, usual))
    complain(
      "defaultRequest",
      request,
      `default request value ${request} is greater than default limit value ${usual}`,
    );
  if (more(min, usual)) complain("default", min, `min value ${min} is greater than default value ${usual}`);
  if (more(usual, max)) complain("default", max, `default value ${usual} is greater than max value ${max}`);
  if (more("1", ratio)) complain("maxLimitRequestRatio", ratio, `ratio ${ratio} is less than 1`);
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const highest = numberOf(max) / numberOf(min);
    if (numberOf(ratio) > highest)
      complain("maxLimitRequestRatio", ratio, `ratio ${ratio} is greater than max/min = ${highest.toFixed(6)}`);
  }
  if (
    !allowsOvercommit(name) &&
    usual !== undefined &&
    request !== undefined &&
    compareQuantities(usual, request) !== 0
  )
    complain(
      "defaultRequest",
      request,
      `default value ${usual} must equal to defaultRequest value ${request} in ${name}`,
    );
  return errors;
}
