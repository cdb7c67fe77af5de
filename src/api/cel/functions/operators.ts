import {
  CelError,
  compareValues,
  Duration,
  isEqual,
  ListValue,
  MapValue,
  noOverload,
  Optional,
  Timestamp,
  Uint,
  type Value,
} from "../values.ts";
import { type Overload, overload } from "./overload.ts";

const largestInt = 2n ** 63n - 1n;
const largestUint = 2n ** 64n - 1n;

/** A whole number in the range of its type. @throws {CelError} */
export function checkedInt(value: bigint): bigint {
  if (value > largestInt || value < -largestInt - 1n) throw new CelError("integer overflow");
  return value;
}
export function checkedUint(value: bigint): Uint {
  if (value > largestUint || value < 0n) throw new CelError("unsigned integer overflow");
  return new Uint(value);
}

function divided(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new CelError("division by zero");
  return a / b;
}
function remainder(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new CelError("modulus by zero");
  return a % b;
}

const comparisons: readonly [name: string, id: string, holds: (order: number) => boolean][] = [
  ["_<_", "less", (order) => order < 0],
  ["_<=_", "less_equals", (order) => order <= 0],
  ["_>_", "greater", (order) => order > 0],
  ["_>=_", "greater_equals", (order) => order >= 0],
];
const ordered = ["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"];
const crossed = [
  ["int", "double"],
  ["int", "uint"],
  ["uint", "double"],
  ["uint", "int"],
  ["double", "int"],
  ["double", "uint"],
];
const idNames: Readonly<Record<string, string>> = { int: "int64", uint: "uint64" };

function idName(type: string): string {
  return idNames[type] ?? type;
}

const compared: Overload[] = comparisons.flatMap(([name, id, holds]) => {
  const call = (a: Value, b: Value): boolean => {
    const order = compareValues(a, b);
    return order !== undefined && holds(order);
  };
  return [
    ...ordered.map((type) => overload(`${id}_${idName(type)}`, `${name}(${type}, ${type}): bool`, call)),
    ...crossed.map(([a = "", b = ""]) =>
      overload(`${id}_${idName(a)}_${idName(b)}`, `${name}(${a}, ${b}): bool`, call),
    ),
  ];
});

/** Two lists in one; of a set or a map, what both have is there once. */
function joined(a: ListValue, b: ListValue): ListValue {
  const { meaning } = a;
  if (!meaning) return new ListValue([...a.items, ...b.items]);
  const same = (x: Value, y: Value): boolean =>
    meaning.sort === "set" ? isEqual(x, y) : meaning.keys.every((key) => sameField(x, y, key));
  const kept = a.items.map((item) => b.items.find((other) => same(item, other)) ?? item);
  const added = b.items.filter((item) => !a.items.some((other) => same(item, other)));
  return new ListValue([...kept, ...added], meaning);
}

function sameField(a: Value, b: Value, key: string): boolean {
  if (!(a instanceof MapValue) || !(b instanceof MapValue)) return false;
  const [left, right] = [a.get(key), b.get(key)];
  return left === undefined || right === undefined ? left === right : isEqual(left, right);
}

function itemAt(list: ListValue, index: Value): Value {
  const position = index instanceof Uint ? index.value : index;
  if (typeof position !== "bigint" && !(typeof position === "number" && Number.isInteger(position)))
    throw new CelError(`unsupported index type in list: ${typeof index}`);
  const item = list.items[Number(position)];
  if (item === undefined || position < 0) throw new CelError(`index out of bounds: ${position}`);
  return item;
}

function entryAt(map: MapValue, key: Value): Value {
  const value = map.get(key);
  if (value === undefined) throw new CelError(`no such key: ${key instanceof Uint ? key.value : String(key)}`);
  return value;
}

function maybe(read: () => Value): Optional {
  try {
    return new Optional(read());
  } catch (error) {
    if (error instanceof CelError) return new Optional(undefined);
    throw error;
  }
}

/** `a[b]` where `a` may be an optional: of what has no value, nothing. */
export function optionalIndex(container: Value, index: Value): Optional {
  if (container instanceof Optional)
    return container.value === undefined ? container : optionalIndex(container.value, index);
  if (container instanceof ListValue) return maybe(() => itemAt(container, index));
  if (container instanceof MapValue) return maybe(() => entryAt(container, index));
  throw noOverload();
}

export const operators: Overload[] = [
  overload("logical_not", "!_(bool): bool", (value: boolean) => !value),
  overload("not_strictly_false", "@not_strictly_false(bool): bool", (value: boolean) => value),
  overload("negate_int64", "-_(int): int", (value: bigint) => checkedInt(-value)),
  overload("negate_double", "-_(double): double", (value: number) => -value),
  // These are evaluated by themselves: not all of their operands need to be.
  overload("logical_and", "_&&_(bool, bool): bool", (a: boolean, b: boolean) => a && b),
  overload("logical_or", "_||_(bool, bool): bool", (a: boolean, b: boolean) => a || b),
  overload("conditional", "_?_:_(bool, A, A): A", (condition: boolean, yes: Value, no: Value) =>
    condition ? yes : no,
  ),

  overload("equals", "_==_(A, A): bool", (a: Value, b: Value) => isEqual(a, b)),
  overload("not_equals", "_!=_(A, A): bool", (a: Value, b: Value) => !isEqual(a, b)),
  ...compared,

  overload("add_int64", "_+_(int, int): int", (a: bigint, b: bigint) => checkedInt(a + b)),
  overload("add_uint64", "_+_(uint, uint): uint", (a: Uint, b: Uint) => checkedUint(a.value + b.value)),
  overload("add_double", "_+_(double, double): double", (a: number, b: number) => a + b),
  overload("add_string", "_+_(string, string): string", (a: string, b: string) => a + b),
  overload("add_bytes", "_+_(bytes, bytes): bytes", (a: Uint8Array, b: Uint8Array) => Buffer.concat([a, b])),
  overload("add_list", "_+_(list(A), list(A)): list(A)", joined),
  overload(
    "add_duration_duration",
    "_+_(duration, duration): duration",
    (a: Duration, b: Duration) => new Duration(checkedInt(a.nanos + b.nanos)),
  ),
  overload(
    "add_duration_timestamp",
    "_+_(duration, timestamp): timestamp",
    (a: Duration, b: Timestamp) => new Timestamp(a.nanos + b.nanos),
  ),
  overload(
    "add_timestamp_duration",
    "_+_(timestamp, duration): timestamp",
    (a: Timestamp, b: Duration) => new Timestamp(a.nanos + b.nanos),
  ),
  overload("subtract_int64", "_-_(int, int): int", (a: bigint, b: bigint) => checkedInt(a - b)),
  overload("subtract_uint64", "_-_(uint, uint): uint", (a: Uint, b: Uint) => checkedUint(a.value - b.value)),
  overload("subtract_double", "_-_(double, double): double", (a: number, b: number) => a - b),
  overload(
    "subtract_duration_duration",
    "_-_(duration, duration): duration",
    (a: Duration, b: Duration) => new Duration(checkedInt(a.nanos - b.nanos)),
  ),
  overload(
    "subtract_timestamp_duration",
    "_-_(timestamp, duration): timestamp",
    (a: Timestamp, b: Duration) => new Timestamp(a.nanos - b.nanos),
  ),
  overload(
    "subtract_timestamp_timestamp",
    "_-_(timestamp, timestamp): duration",
    (a: Timestamp, b: Timestamp) => new Duration(checkedInt(a.nanos - b.nanos)),
  ),
  overload("multiply_int64", "_*_(int, int): int", (a: bigint, b: bigint) => checkedInt(a * b)),
  overload("multiply_uint64", "_*_(uint, uint): uint", (a: Uint, b: Uint) => checkedUint(a.value * b.value)),
  overload("multiply_double", "_*_(double, double): double", (a: number, b: number) => a * b),
  overload("divide_int64", "_/_(int, int): int", (a: bigint, b: bigint) => checkedInt(divided(a, b))),
  overload("divide_uint64", "_/_(uint, uint): uint", (a: Uint, b: Uint) => new Uint(divided(a.value, b.value))),
  overload("divide_double", "_/_(double, double): double", (a: number, b: number) => a / b),
  overload("modulo_int64", "_%_(int, int): int", (a: bigint, b: bigint) => checkedInt(remainder(a, b))),
  overload("modulo_uint64", "_%_(uint, uint): uint", (a: Uint, b: Uint) => new Uint(remainder(a.value, b.value))),

  overload("index_list", "_[_](list(A), int): A", itemAt),
  overload("index_map", "_[_](map(A, B), A): B", entryAt),
  overload("optional_list_index_int", "_[_](optional(list(V)), int): optional(V)", optionalIndex),
  overload("optional_map_index_value", "_[_](optional(map(K, V)), K): optional(V)", optionalIndex),
  overload("list_optindex_optional_int", "_[?_](list(V), int): optional(V)", optionalIndex),
  overload("optional_list_optindex_optional_int", "_[?_](optional(list(V)), int): optional(V)", optionalIndex),
  overload("map_optindex_optional_value", "_[?_](map(K, V), K): optional(V)", optionalIndex),
  overload("optional_map_optindex_optional_value", "_[?_](optional(map(K, V)), K): optional(V)", optionalIndex),

  overload("in_list", "@in(A, list(A)): bool", (item: Value, list: ListValue) =>
    list.items.some((other) => isEqual(item, other)),
  ),
  overload("in_map", "@in(A, map(A, B)): bool", (key: Value, map: MapValue) => map.get(key) !== undefined),
];
