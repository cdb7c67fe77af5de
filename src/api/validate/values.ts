import type { FieldError, Path } from "../field.ts";
import { quantityFrom, signOf } from "../quantity.ts";
import type { TextRule } from "./names.ts";

const nanosOfOne = 1_000_000_000n;
const percent = /^[0-9]+%$/;

/** Applies a rule for texts to a field. */
export function validateText(rule: TextRule, text: string, at: Path): FieldError[] {
  return rule(text).map((wrong) => at.invalid(text, wrong));
}

export function validateNonNegative(value: number | undefined, at: Path): FieldError[] {
  return value !== undefined && value < 0 ? [at.invalid(value, "must be greater than or equal to 0")] : [];
}

export function validateNonNegativeQuantity(quantity: string | undefined, at: Path): FieldError[] {
  return quantity !== undefined && signOf(quantity) < 0
    ? [at.invalid(quantity, "must be greater than or equal to 0")]
    : [];
}

/** One of the values; the list in the order in which clients are told it. */
export function validateOneOf(value: string | undefined, valid: readonly string[], at: Path): FieldError[] {
  return valid.includes(value ?? "") ? [] : [at.notSupported(value ?? "", valid)];
}

/** A number from `low` to `high`, or none. */
export function validateInRange(
  value: number | undefined,
  [low, high]: readonly [low: number, high: number],
  at: Path,
): FieldError[] {
  return value === undefined || (value >= low && value <= high)
    ? []
    : [at.invalid(value, `must be between ${low} and ${high}, inclusive`)];
}

export function validatePort(port: number, at: Path): FieldError[] {
  return validateInRange(port, [1, 65535], at);
}

/** A number that is not negative, or a percentage. */
export function validateIntOrPercent(value: number | string | undefined, at: Path): FieldError[] {
  if (value === undefined) return [];
  if (typeof value === "number") return validateNonNegative(value, at);
  if (percent.test(value)) return [];
  const shape =
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
  return [at.invalid(value, shape)];
}

export function validateAtMost100Percent(value: number | string | undefined, at: Path): FieldError[] {
  return (percentOf(value) ?? 0) > 100 ? [at.invalid(value, "must not be greater than 100%")] : [];
}

/** The number before the "%"; undefined for anything else. */
export function percentOf(value: number | string | undefined): number | undefined {
  return typeof value === "string" && percent.test(value) ? Number(value.slice(0, -1)) : undefined;
}

/** Bytes come whole: what is said of an amount of memory or storage that is none. `at`: its place. */
export function fractionWarning(amount: string | undefined, at: string): string[] {
  if (amount === undefined || quantityFrom(amount).nanos % nanosOfOne === 0n) return [];
  return [`${at}: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`];
}
