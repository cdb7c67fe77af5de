import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../field.ts";
import type { Toleration } from "../schema/types.ts";
import { validateLabelName } from "./labels.ts";
import { labelValue } from "./names.ts";
import { validateOneOf } from "./values.ts";

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export function validateTaintEffect(effect: string, at: Path): FieldError[] {
  return validateOneOf(effect, effects, at);
}

/** Kubernetes docs, "Taints and Tolerations". */
export function validateTolerations(tolerations: readonly Toleration[], at: Path): FieldError[] {
  return tolerations.flatMap((toleration, i) => validateToleration(toleration, at.index(i)));
}

function validateToleration(toleration: Toleration, at: Path): FieldError[] {
  const { key = "", operator = "", value = "", effect = "", tolerationSeconds } = toleration;
  const errors = key ? validateLabelName(key, at.child("key")) : [];
  if (!key && operator !== "Exists")
    errors.push(
      at
        .child("operator")
        .invalid(operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"'),
    );
  if (tolerationSeconds !== undefined && effect !== "NoExecute")
    errors.push(at.child("effect").invalid(effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  errors.push(...validateOperator(operator, value, at.child("operator")));
  if (effect) errors.push(...validateTaintEffect(effect, at.child("effect")));
  return errors;
}

function validateOperator(operator: string, value: string, at: Path): FieldError[] {
  switch (operator) {
    case "":
    case "Equal": {
      const wrong = labelValue(value);
      return wrong.length > 0 ? [at.invalid(value, wrong.join(";"))] : [];
    }
    case "Exists":
      return value ? [at.invalid(value, "value must be empty when `operator` is 'Exists'")] : [];
    default:
      return [at.notSupported(operator, ["Equal", "Exists"])];
  }
}

/** A pod's tolerations may become more, and how long they last may change; none may go. */
export function validateOnlyAddedTolerations(
  after: readonly Toleration[],
  before: readonly Toleration[],
  at: Path,
): FieldError[] {
  const withoutSeconds = ({ tolerationSeconds: _, ...rest }: Toleration) => rest;
  const kept = before.every((old) =>
    after.some((toleration) => isDeepStrictEqual(withoutSeconds(toleration), withoutSeconds(old))),
  );
  if (!kept) return [at.forbidden("existing toleration can not be modified except its tolerationSeconds")];
  return validateTolerations(after, at);
}
