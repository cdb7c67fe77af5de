import type { FieldError, Path } from "../field.ts";
import { labelValue, qualifiedName } from "./names.ts";

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** A map in the order of its keys: how Go writes maps, in errors too. */
export function inKeyOrder<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function validateLabels(labels: Readonly<Record<string, string>> | undefined, at: Path): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...validateLabelName(key, at),
    ...labelValue(value).map((wrong) => at.invalid(value, wrong)),
  ]);
}

export function validateLabelName(name: string, at: Path): FieldError[] {
  return qualifiedName(name).map((wrong) => at.invalid(name, wrong));
}

/** What is wrong with a selector; nothing with one that is absent. */
export function validateLabelSelector(selector: LabelSelector | undefined, at: Path): FieldError[] {
  return [
    ...validateLabels(selector?.matchLabels, at.child("matchLabels")),
    ...(selector?.matchExpressions ?? []).flatMap((requirement, i) =>
      validateSelectorRequirement(requirement, at.child("matchExpressions").index(i)),
    ),
  ];
}

/** `allowUnknownOperator`: an operator that is not known is no fault. */
export function validateSelectorRequirement(
  { key, operator, values = [] }: { key: string; operator: string; values?: string[] },
  at: Path,
  { allowUnknownOperator = false }: { readonly allowUnknownOperator?: boolean } = {},
): FieldError[] {
  return [
    ...operatorErrors(operator, values, at).filter(
      ({ field }) => !allowUnknownOperator || !field.endsWith(".operator"),
    ),
    ...validateLabelName(key ?? "", at.child("key")),
    ...values.flatMap((value, i) =>
      labelValue(value).map((wrong) => at.child("values").index(i).invalid(value, wrong)),
    ),
  ];
}

function operatorErrors(operator: string, values: readonly string[], at: Path): FieldError[] {
  switch (operator) {
    case "In":
    case "NotIn":
      return values.length > 0
        ? []
        : [at.child("values").required("must be specified when `operator` is 'In' or 'NotIn'")];
    case "Exists":
    case "DoesNotExist":
      return values.length === 0
        ? []
        : [at.child("values").forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
    default:
      return [at.child("operator").invalid(operator ?? "", "not a valid selector operator")];
  }
}
