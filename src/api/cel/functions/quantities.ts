import {
  addQuantities,
  compareQuantities,
  numberOf,
  QuantityError,
  quantityFrom,
  quantityFromUnits,
  signOf,
  subtractQuantities,
} from "../../quantity.ts";
import { CelError, QuantityValue } from "../values.ts";
import { type Overload, overload } from "./overload.ts";

const billion = 1_000_000_000n;
const largestInt = 2n ** 63n - 1n;

function read(text: string): QuantityValue {
  try {
    return new QuantityValue(quantityFrom(text));
  } catch (error) {
    if (error instanceof QuantityError) throw new CelError(error.message, { cause: error });
    throw error;
  }
}

function isQuantity(text: string): boolean {
  try {
    read(text);
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

function isInteger({ quantity: { nanos } }: QuantityValue): boolean {
  const units = nanos / billion;
  return nanos % billion === 0n && units <= largestInt && units >= -largestInt - 1n;
}

function asInteger(value: QuantityValue): bigint {
  if (!isInteger(value)) throw new CelError("cannot convert value to integer");
  return value.quantity.nanos / billion;
}

function compare(a: QuantityValue, b: QuantityValue): number {
  return compareQuantities(a.quantity, b.quantity);
}

const type = "kubernetes.Quantity";

/** Kubernetes docs, "Common Expression Language in Kubernetes", section "Kubernetes quantity library". */
export const quantities: Overload[] = [
  overload("string_to_quantity", `quantity(string): ${type}`, read),
  overload("is_quantity_string", "isQuantity(string): bool", isQuantity),
  overload("quantity_sign", `(${type}).sign(): int`, (a: QuantityValue) => BigInt(signOf(a.quantity))),
  overload(
    "quantity_is_greater_than",
    `(${type}).isGreaterThan(${type}): bool`,
    (a: QuantityValue, b: QuantityValue) => compare(a, b) > 0,
  ),
  overload(
    "quantity_is_less_than",
    `(${type}).isLessThan(${type}): bool`,
    (a: QuantityValue, b: QuantityValue) => compare(a, b) < 0,
  ),
  overload("quantity_compare_to", `(${type}).compareTo(${type}): int`, (a: QuantityValue, b: QuantityValue) =>
    BigInt(compare(a, b)),
  ),
  overload("quantity_get_float", `(${type}).asApproximateFloat(): double`, (a: QuantityValue) => numberOf(a.quantity)),
  overload("quantity_get_int", `(${type}).asInteger(): int`, asInteger),
  overload("quantity_is_integer", `(${type}).isInteger(): bool`, isInteger),
  overload(
    "quantity_add",
    `(${type}).add(${type}): ${type}`,
    (a: QuantityValue, b: QuantityValue) => new QuantityValue(addQuantities(a.quantity, b.quantity)),
  ),
  overload(
    "quantity_add_int",
    `(${type}).add(int): ${type}`,
    (a: QuantityValue, b: bigint) =>
      new QuantityValue(addQuantities(a.quantity, quantityFromUnits(b, "DecimalExponent"))),
  ),
  overload(
    "quantity_sub",
    `(${type}).sub(${type}): ${type}`,
    (a: QuantityValue, b: QuantityValue) => new QuantityValue(subtractQuantities(a.quantity, b.quantity)),
  ),
  overload(
    "quantity_sub_int",
    `(${type}).sub(int): ${type}`,
    (a: QuantityValue, b: bigint) =>
      new QuantityValue(subtractQuantities(a.quantity, quantityFromUnits(b, "DecimalExponent"))),
  ),
];
