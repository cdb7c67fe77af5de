import type { FieldError, Path } from "../field.ts";
import { qualifiedName, type TextRule } from "./names.ts";
import { validateOneOf, validateText } from "./values.ts";

const longestReason = 1024;
const longestMessage = 32 * 1024;
const reasonForm = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?";
const conditionReason: TextRule = (text) =>
  new RegExp(`^${reasonForm}$`).test(text)
    ? []
    : [
        `a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${reasonForm}')`,
      ];

export interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime?: string | null;
  readonly reason?: string;
  readonly message?: string;
}

/** Conditions in the form that all newer kinds share (API reference, "Condition"). */
export function validateConditions(conditions: readonly Condition[] = [], at: Path): FieldError[] {
  return conditions.flatMap((condition, i) => [
    ...(conditions.findIndex(({ type }) => type === condition.type) < i
      ? [at.index(i).child("type").duplicate(condition.type)]
      : []),
    ...validateCondition(condition, at.index(i)),
  ]);
}

function validateCondition(condition: Condition, at: Path): FieldError[] {
  const { type = "", status, observedGeneration = 0, lastTransitionTime, reason = "", message = "" } = condition;
  return [
    ...validateText(qualifiedName, type, at.child("type")),
    ...validateOneOf(status, ["False", "True", "Unknown"], at.child("status")),
    ...(observedGeneration < 0
      ? [at.child("observedGeneration").invalid(observedGeneration, "must be greater than or equal to zero")]
      : []),
    ...(lastTransitionTime ? [] : [at.child("lastTransitionTime").required("must be set")]),
    ...(reason
      ? validateText(conditionReason, reason, at.child("reason"))
      : [at.child("reason").required("must be set")]),
    ...(Buffer.byteLength(reason) > longestReason ? [at.child("reason").tooLong(longestReason)] : []),
    ...(Buffer.byteLength(message) > longestMessage ? [at.child("message").tooLong(longestMessage)] : []),
  ];
}
