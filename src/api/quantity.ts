/**
 * Quantities: "500m" of a CPU, "64Mi" of memory (Kubernetes docs, "Quantity"). A quantity is a whole number of nanos and the
 * family of suffixes it was written with; finer fractions are rounded up, away from zero, when they are read.
 */
export interface Quantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

export type QuantityFormat = "BinarySI" | "DecimalSI" | "DecimalExponent";

/** What is wrong with a text that is no quantity, in Kubernetes' words. */
export class QuantityError extends Error {
  override readonly name = "QuantityError";
}

const billion = 1_000_000_000n;
const largestBinary = ((1n << 63n) - 1n) * billion;
const decimalExponents = new Map([
  ["n", -9],
  ["u", -6],
  ["m", -3],
  ["", 0],
  ["k", 3],
  ["M", 6],
  ["G", 9],
  ["T", 12],
  ["P", 15],
  ["E", 18],
]);
const decimalSuffixes = new Map([...decimalExponents].map(([suffix, exponent]) => [exponent, suffix]));
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** @throws {QuantityError} */
export function quantityFrom(text: string): Quantity {
  const parts = /^([+-]?)([0-9]*)(\.[0-9]*)?([eEinumkKMGTP]*[-+]?[0-9]*)$/.exec(text);
  if (!text || !parts) {
    throw new QuantityError(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  }
  const [, sign, whole = "", point = "", suffix = ""] = parts;
  const fraction = point.slice(1);
  const { base, exponent, format } = interpretSuffix(suffix);
  // A suffix without a digit is zero of it, as Kubernetes reads it.
  const digits = BigInt(whole + fraction || "0");
  const decimals = base === 10 ? exponent + 9 - fraction.length : 9 - fraction.length;
  const scaled = base === 10 ? digits : digits << BigInt(exponent);
  let nanos = atNanos(scaled, decimals);
  if (format === "BinarySI" && nanos > largestBinary) nanos = largestBinary;
  const small = format === "BinarySI" && nanos > 0n && nanos < billion;
  return { nanos: sign === "-" ? -nanos : nanos, format: small ? "DecimalSI" : format };
}

/** `value` × 10^`decimals`, rounded up. */
function atNanos(value: bigint, decimals: number): bigint {
  if (decimals >= 0) return value * 10n ** BigInt(decimals);
  // Far below one: the power of ten itself could be longer than the memory.
  if (-decimals > value.toString().length) return value === 0n ? 0n : 1n;
  return roundUp(value, 10n ** BigInt(-decimals));
}

function interpretSuffix(suffix: string): { base: 2 | 10; exponent: number; format: QuantityFormat } {
  const decimal = decimalExponents.get(suffix);
  if (decimal !== undefined) return { base: 10, exponent: decimal, format: "DecimalSI" };
  const binary = binarySuffixes.indexOf(suffix);
  if (binary > 0) return { base: 2, exponent: 10 * binary, format: "BinarySI" };
  if (/^[eE][+-]?[0-9]+$/.test(suffix)) {
    return { base: 10, exponent: Math.min(Number(suffix.slice(1)), 1000), format: "DecimalExponent" };
  }
  throw new QuantityError("unable to parse quantity's suffix");
}

/** As Kubernetes prints it: no fraction, the largest suffix that allows that. */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return "0";
  const large = nanos <= -1024n * billion || nanos >= 1024n * billion;
  if (format === "BinarySI" && large && nanos % billion === 0n) return formatBinary(nanos / billion);
  return formatDecimal(nanos, format);
}

function formatBinary(value: bigint): string {
  let left = value;
  let power = 0;
  while (left % 1024n === 0n && power < binarySuffixes.length - 1) {
    left /= 1024n;
    power++;
  }
  return `${left}${binarySuffixes[power]}`;
}

function formatDecimal(nanos: bigint, format: QuantityFormat): string {
  let left = nanos;
  let exponent = -9;
  while (left % 1000n === 0n && (format === "DecimalExponent" || exponent < 18)) {
    left /= 1000n;
    exponent += 3;
  }
  if (format === "DecimalExponent") return exponent === 0 ? `${left}` : `${left}e${exponent}`;
  return `${left}${decimalSuffixes.get(exponent)}`;
}

// The same few texts come in every pod; reading them anew each time would be half of decoding one.
const canonical = new Map<string, string>();
const canonicalBound = 1000;

/**
 * The canonical text of a quantity's text: "1000m" is "1", "1024Ki" is "1Mi".
 * @throws {QuantityError}
 */
export function canonicalQuantity(text: string): string {
  let known = canonical.get(text);
  if (known === undefined) {
    known = formatQuantity(quantityFrom(text));
    if (canonical.size >= canonicalBound) canonical.clear();
    canonical.set(text, known);
  }
  return known;
}

/** A quantity, or its text. */
export type QuantityLike = Quantity | string;

function read(quantity: QuantityLike): Quantity {
  return typeof quantity === "string" ? quantityFrom(quantity) : quantity;
}

/** Negative, 0 or positive, as `a` is less than, equal to or greater than `b`. */
export function compareQuantities(a: QuantityLike, b: QuantityLike): number {
  const [left, right] = [read(a).nanos, read(b).nanos];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The sum, in the suffixes of the first that is not zero. */
export function addQuantities(a: QuantityLike, b: QuantityLike): Quantity {
  return sum(read(a), read(b), 1n);
}

/** `a - b`, in the suffixes of the first that is not zero. */
export function subtractQuantities(a: QuantityLike, b: QuantityLike): Quantity {
  return sum(read(a), read(b), -1n);
}

function sum(a: Quantity, b: Quantity, factor: bigint): Quantity {
  return { nanos: a.nanos + factor * b.nanos, format: a.nanos === 0n ? b.format : a.format };
}

/** In whole units (bytes, CPUs), fractions rounded up. */
export function unitsOf(quantity: QuantityLike): number {
  return Number(roundUp(read(quantity).nanos, billion));
}

/** In thousandths (of a CPU), fractions rounded up. */
export function milliOf(quantity: QuantityLike): number {
  return Number(roundUp(read(quantity).nanos, 1_000_000n));
}

/** As a number with its fraction; large ones lose precision. */
export function numberOf(quantity: QuantityLike): number {
  const { nanos } = read(quantity);
  return Number(nanos / billion) + Number(nanos % billion) / 1e9;
}

export function quantityFromUnits(units: bigint | number, format: QuantityFormat = "DecimalSI"): Quantity {
  return { nanos: BigInt(units) * billion, format };
}

export function quantityFromMilli(milli: bigint | number, format: QuantityFormat = "DecimalSI"): Quantity {
  return { nanos: BigInt(milli) * 1_000_000n, format };
}

/** -1, 0 or 1. */
export function signOf(quantity: QuantityLike): number {
  return compareQuantities(quantity, { nanos: 0n, format: "DecimalSI" });
}

/** Division that rounds away from zero: who asks for a little of something gets a little. */
function roundUp(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  if (value % divisor === 0n) return quotient;
  return value > 0n ? quotient + 1n : quotient - 1n;
}
