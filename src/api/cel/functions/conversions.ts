import { integerFault } from "../../go-integers.ts";
import {
  CelError,
  codePoints,
  Duration,
  ListValue,
  MapValue,
  noValue,
  Optional,
  sizeOf,
  Timestamp,
  TypeValue,
  typeNameOf,
  Uint,
  type Value,
} from "../values.ts";
import { checkedInt } from "./operators.ts";
import { type Overload, overload } from "./overload.ts";
import { durationFromText, durationText, timestampFrom, timestampText } from "./times.ts";

const second = 1_000_000_000n;

function notConverted(to: string): CelError {
  return new CelError(`type conversion error from 'string' to '${to}'`);
}
function intFrom(text: string): bigint {
  if (integerFault(text, "int64")) throw notConverted("int");
  return BigInt(text.replace(/^\+/, ""));
}
function uintFrom(text: string): Uint {
  if (integerFault(text, "uint64")) throw notConverted("uint");
  return new Uint(BigInt(text));
}
function rangedUint(value: bigint): Uint {
  if (value < 0n || value >= 2n ** 64n) throw new CelError("unsigned integer overflow");
  return new Uint(value);
}
function doubleFrom(text: string): number {
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) || /^([+-]?inf(inity)?|nan)$/i.test(text);
  if (!isNumber) throw notConverted("double");
  if (/nan/i.test(text)) return Number.NaN;
  if (/inf/i.test(text)) return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}
function boolFrom(text: string): boolean {
  if (["true", "True", "TRUE", "t", "1", "T"].includes(text)) return true;
  if (["false", "False", "FALSE", "f", "0", "F"].includes(text)) return false;
  throw notConverted("bool");
}
function textFrom(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw new CelError("invalid UTF-8 in bytes, cannot convert to string");
    throw error;
  }
}
function whole(value: number): bigint {
  if (!Number.isFinite(value)) throw new CelError("integer overflow");
  return BigInt(Math.trunc(value));
}

/** As Go prints a number with %g. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-4 && size < 1e21)) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

const same = (value: Value): Value => value;

export const conversions: Overload[] = [
  overload("type", "type(A): type(A)", (value: Value) => new TypeValue(typeNameOf(value))),
  overload("to_dyn", "dyn(A): dyn", same),

  overload("bool_to_bool", "bool(bool): bool", same),
  overload("string_to_bool", "bool(string): bool", boolFrom),
  overload("bytes_to_bytes", "bytes(bytes): bytes", same),
  overload("string_to_bytes", "bytes(string): bytes", (value: string) => new TextEncoder().encode(value)),
  overload("double_to_double", "double(double): double", same),
  overload("int64_to_double", "double(int): double", (value: bigint) => Number(value)),
  overload("string_to_double", "double(string): double", doubleFrom),
  overload("uint64_to_double", "double(uint): double", (value: Uint) => Number(value.value)),
  overload("duration_to_duration", "duration(duration): duration", same),
  overload("int64_to_duration", "duration(int): duration", (value: bigint) => new Duration(value)),
  overload("string_to_duration", "duration(string): duration", durationFromText),
  overload("int64_to_int64", "int(int): int", same),
  overload("double_to_int64", "int(double): int", (value: number) => checkedInt(whole(value))),
  overload("duration_to_int64", "int(duration): int", (value: Duration) => value.nanos),
  overload("string_to_int64", "int(string): int", intFrom),
  overload("timestamp_to_int64", "int(timestamp): int", (value: Timestamp) => value.nanos / second),
  overload("uint64_to_int64", "int(uint): int", (value: Uint) => checkedInt(value.value)),
  overload("string_to_string", "string(string): string", same),
  overload("bool_to_string", "string(bool): string", (value: boolean) => String(value)),
  overload("bytes_to_string", "string(bytes): string", textFrom),
  overload("double_to_string", "string(double): string", doubleText),
  overload("duration_to_string", "string(duration): string", durationText),
  overload("int64_to_string", "string(int): string", (value: bigint) => String(value)),
  overload("timestamp_to_string", "string(timestamp): string", timestampText),
  overload("uint64_to_string", "string(uint): string", (value: Uint) => String(value.value)),
  overload("timestamp_to_timestamp", "timestamp(timestamp): timestamp", same),
  overload("int64_to_timestamp", "timestamp(int): timestamp", (value: bigint) => new Timestamp(value * second)),
  overload("string_to_timestamp", "timestamp(string): timestamp", timestampFrom),
  overload("uint64_to_uint64", "uint(uint): uint", same),
  overload("double_to_uint64", "uint(double): uint", (value: number) => rangedUint(whole(value))),
  overload("int64_to_uint64", "uint(int): uint", rangedUint),
  overload("string_to_uint64", "uint(string): uint", uintFrom),

  ...(["size", "member"] as const).flatMap((form) => {
    const signature = (type: string) => (form === "size" ? `size(${type}): int` : `(${type}).size(): int`);
    const id = (type: string) => (form === "size" ? `size_${type}` : `${type}_size`);
    return [
      overload(id("bytes"), signature("bytes"), (value: Uint8Array) => BigInt(value.length)),
      overload(id("list"), signature("list(A)"), (value: ListValue) => BigInt(value.items.length)),
      overload(id("map"), signature("map(A, B)"), (value: MapValue) => BigInt(value.size)),
      overload(id("string"), signature("string"), (value: string) => BigInt(codePoints(value))),
    ];
  }),
];

function isZero(value: Value): boolean {
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof ListValue || value instanceof MapValue || value instanceof Uint8Array)
    return sizeOf(value) === 0;
  return value === null || value === false || value === 0n || value === 0 || value === "";
}

export const optionals: Overload[] = [
  overload("optional_of", "optional.of(V): optional(V)", (value: Value) => new Optional(value)),
  overload("optional_ofNonZeroValue", "optional.ofNonZeroValue(V): optional(V)", (value: Value) =>
    isZero(value) ? noValue : new Optional(value),
  ),
  overload("optional_none", "optional.none(): optional(V)", () => noValue),
  overload("optional_hasValue", "(optional(V)).hasValue(): bool", (value: Optional) => value.value !== undefined),
  overload("optional_value", "(optional(V)).value(): V", (value: Optional) => {
    if (value.value === undefined) throw new CelError("optional.none() dereference");
    return value.value;
  }),
  overload("optional_or_optional", "(optional(V)).or(optional(V)): optional(V)", (a: Optional, b: Optional) =>
    a.value === undefined ? b : a,
  ),
  overload("optional_orValue_value", "(optional(V)).orValue(V): V", (a: Optional, b: Value) =>
    a.value === undefined ? b : a.value,
  ),
];
