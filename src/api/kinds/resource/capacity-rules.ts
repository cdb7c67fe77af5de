import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../../field.ts";
import { addQuantities, compareQuantities, formatQuantity, quantityFrom, signOf, unitsOf } from "../../quantity.ts";
import type { CapacityRequestPolicy, CapacityRequestPolicyRange, Device } from "../../schema/types.ts";
import { validateAttributeName, validateEntries, validateList } from "./device-parts.ts";

const mostChoices = 10;

/** How much a device has, and in which portions it is given away when several may share it. */
export function validateCapacities(device: Device, at: Path, old: Device | undefined): FieldError[] {
  const { capacity = {}, allowMultipleAllocations = false } = device;
  const names = validateEntries(capacity, at, { name: validateAttributeName });
  return [
    ...names,
    ...Object.entries(capacity).flatMap(([key, { value, requestPolicy }]) => {
      const place = at.key(key).child("requestPolicy");
      if (!requestPolicy) return [];
      if (!allowMultipleAllocations) return [place.forbidden("allowMultipleAllocations must be true")];
      return validatePolicy(requestPolicy, value, { at: place, old: old?.capacity?.[key]?.requestPolicy });
    }),
  ];
}

function validatePolicy(
  { validValues = [], validRange, default: normal }: CapacityRequestPolicy,
  capacity: string,
  { at, old }: { readonly at: Path; readonly old: CapacityRequestPolicy | undefined },
): FieldError[] {
  if (validValues.length > 0 && validRange)
    return [
      at.forbidden(
        'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time',
      ),
    ];
  if (validValues.length === 0 && !validRange) return [];
  const which = validRange ? "validRange" : "validValues";
  if (normal === undefined) return [at.child("default").required(`required when ${which} is defined`)];
  if (!validRange) return validateChoices(validValues, at.child(which), { normal, capacity });
  return isDeepStrictEqual(old?.validRange, validRange)
    ? []
    : validateRange(validRange, at.child(which), { normal, capacity });
}

interface Bounds {
  /** What is given to who asks for no amount. */
  readonly normal: string;
  readonly capacity: string;
}

function validateChoices(values: readonly string[], at: Path, { normal, capacity }: Bounds): FieldError[] {
  return [
    ...values.flatMap((value, i) =>
      i > 0 && compareQuantities(values[i - 1] ?? value, value) > 0
        ? [at.index(i).invalid(value, "values must be sorted in ascending order")]
        : [],
    ),
    ...validateList(values, at, {
      max: mostChoices,
      each: (value, where) =>
        compareQuantities(value, capacity) > 0
          ? [where.invalid(value, `option is larger than capacity value: ${capacity}`)]
          : [],
      key: (value) => formatQuantity({ ...quantityFrom(value), format: "DecimalSI" }),
    }),
    ...(values.some((value) => compareQuantities(value, normal) === 0)
      ? []
      : [at.invalid(normal, "default value is not valid according to the requestPolicy")]),
  ];
}

function validateRange({ min, max, step }: CapacityRequestPolicyRange, at: Path, bounds: Bounds): FieldError[] {
  const { normal, capacity } = bounds;
  if (min === undefined) return [at.child("min").required("required when validRange is defined")];
  const errors: FieldError[] = [];
  const wrong = (isWrong: boolean, field: string, value: string, why: string): void => {
    if (isWrong) errors.push(at.child(field).invalid(value, why));
  };
  wrong(compareQuantities(min, capacity) > 0, "min", min, `min is larger than capacity value: ${capacity}`);
  wrong(compareQuantities(normal, min) < 0, "min", normal, `default is less than min: ${min}`);
  if (max !== undefined) {
    wrong(compareQuantities(min, max) > 0, "max", min, `min is larger than max: ${max}`);
    wrong(compareQuantities(max, capacity) > 0, "max", max, `max is larger than capacity value: ${capacity}`);
    wrong(compareQuantities(normal, max) > 0, "max", normal, `default is more than max: ${max}`);
  }
  if (step === undefined) return errors;
  if (signOf(step) <= 0) return [...errors, at.child("step").invalid(step, "must be greater than zero")];
  const one = formatQuantity(addQuantities(min, step));
  wrong(
    compareQuantities(one, capacity) > 0,
    "step",
    step,
    `one step ${one} is larger than capacity value: ${capacity}`,
  );
  for (const value of max === undefined ? [normal] : [normal, max])
    wrong(
      (unitsOf(value) - unitsOf(min)) % unitsOf(step) !== 0,
      "step",
      value,
      `value is not a multiple of a given step (${step}) from (${min})`,
    );
  return errors;
}
