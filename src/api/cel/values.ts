import type { Quantity } from "../quantity.ts";

/** What expressions are worth. Whole numbers are bigint, others number: CEL tells `1` and `1.0` apart. */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | Uint
  | Timestamp
  | Duration
  | ListValue
  | MapValue
  | Optional
  | TypeValue
  | OpaqueValue;

/** What stops an evaluation; `||` and `&&` may find that it does not matter. */
export class CelError extends Error {
  override readonly name: string = "CelError";
}

export function noOverload(): CelError {
  return new CelError("no such overload");
}

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** A moment, in nanoseconds since 1970. */
export class Timestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** How a list of an object is compared and added to (x-kubernetes-list-type); as a sequence unless said. */
export type ListMeaning = { readonly sort: "set" } | { readonly sort: "map"; readonly keys: readonly string[] };

export class ListValue {
  readonly items: readonly Value[];
  readonly meaning: ListMeaning | undefined;
  constructor(items: readonly Value[], meaning?: ListMeaning) {
    this.items = items;
    this.meaning = meaning;
  }
}

/** A map, or an object whose fields its type names. */
export abstract class MapValue {
  abstract get(key: Value): Value | undefined;
  abstract keys(): Value[];
  abstract readonly size: number;
}

/** A map that an expression made. */
export class EntryMap extends MapValue {
  readonly #entries = new Map<string, { readonly key: Value; readonly value: Value }>();

  constructor(entries: Iterable<readonly [Value, Value]>) {
    super();
    for (const [key, value] of entries) {
      const id = keyId(key);
      if (this.#entries.has(id)) throw new CelError(`insert failed: key ${plainText(key)} already exists`);
      this.#entries.set(id, { key, value });
    }
  }
  get(key: Value): Value | undefined {
    return this.#entries.get(keyId(key))?.value;
  }
  keys(): Value[] {
    return [...this.#entries.values()].map(({ key }) => key);
  }
  get size(): number {
    return this.#entries.size;
  }
}

/** Numbers that are equal are the same key, whatever their type. */
function keyId(key: Value): string {
  if (key instanceof Uint) return `n${key.value}`;
  if (typeof key === "bigint") return `n${key}`;
  if (typeof key === "number") return Number.isInteger(key) ? `n${BigInt(key)}` : `d${key}`;
  if (typeof key === "string") return `s${key}`;
  if (typeof key === "boolean") return `b${key}`;
  throw new CelError(`unsupported key type: ${typeNameOf(key)}`);
}

export class Optional {
  readonly value: Value | undefined;
  constructor(value: Value | undefined) {
    this.value = value;
  }
}
export const noValue = new Optional(undefined);

/** A type as a value: what `type(x)` is. */
export class TypeValue {
  readonly typeName: string;
  constructor(typeName: string) {
    this.typeName = typeName;
  }
}

/** A value of one of Kubernetes' own types, which only functions look into. */
export abstract class OpaqueValue {
  abstract readonly typeName: string;
  abstract equals(other: OpaqueValue): boolean;
  /** What cost rules take as its size; 1 unless said. */
  readonly size: number = 1;
}

export class QuantityValue extends OpaqueValue {
  override readonly typeName = "kubernetes.Quantity";
  readonly quantity: Quantity;
  constructor(quantity: Quantity) {
    super();
    this.quantity = quantity;
  }
  override equals(other: OpaqueValue): boolean {
    return other instanceof QuantityValue && other.quantity.nanos === this.quantity.nanos;
  }
}

export function typeNameOf(value: Value): string {
  if (value === null) return "null_type";
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      return "double";
    case "string":
      return "string";
  }
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Uint) return "uint";
  if (value instanceof Timestamp) return "google.protobuf.Timestamp";
  if (value instanceof Duration) return "google.protobuf.Duration";
  if (value instanceof ListValue) return "list";
  if (value instanceof MapValue) return "map";
  if (value instanceof Optional) return "optional_type";
  if (value instanceof TypeValue) return "type";
  return value.typeName;
}

function numberOf(value: Value): bigint | number | undefined {
  if (typeof value === "bigint" || typeof value === "number") return value;
  return value instanceof Uint ? value.value : undefined;
}

export function isEqual(a: Value, b: Value): boolean {
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== undefined || right !== undefined) return compareValues(a, b) === 0;
  if (a === b) return true;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof ListValue) return b instanceof ListValue && sameLists(a, b);
  if (a instanceof MapValue) return b instanceof MapValue && sameMaps(a, b);
  if (a instanceof TypeValue) return b instanceof TypeValue && a.typeName === b.typeName;
  if (a instanceof Optional && b instanceof Optional)
    return a.value === undefined || b.value === undefined ? a.value === b.value : isEqual(a.value, b.value);
  return a instanceof OpaqueValue && b instanceof OpaqueValue && a.equals(b);
}

function sameLists(a: ListValue, b: ListValue): boolean {
  if (a.items.length !== b.items.length) return false;
  const meaning = a.meaning ?? b.meaning;
  if (!meaning) return a.items.every((item, i) => isEqual(item, b.items[i] ?? null));
  return a.items.every((item) => b.items.some((other) => isEqual(item, other)));
}

function sameMaps(a: MapValue, b: MapValue): boolean {
  if (a.size !== b.size) return false;
  return a.keys().every((key) => {
    const [left, right] = [a.get(key), b.get(key)];
    return left !== undefined && right !== undefined && isEqual(left, right);
  });
}

/** Negative, 0 or positive; undefined where the two have no order. */
export function compareValues(a: Value, b: Value): number | undefined {
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== undefined && right !== undefined) {
    if (Number.isNaN(Number(left)) || Number.isNaN(Number(right))) return undefined;
    return left < right ? -1 : left > right ? 1 : 0;
  }
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if ((a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration))
    return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
  return undefined;
}

/** What `size()` says, and what cost rules count: 1 for what has no size. */
export function sizeOf(value: Value): number {
  if (typeof value === "string") return codePoints(value);
  if (value instanceof Uint8Array) return value.length;
  if (value instanceof ListValue) return value.items.length;
  if (value instanceof MapValue) return value.size;
  return value instanceof OpaqueValue ? value.size : 1;
}

export function codePoints(value: string): number {
  let count = 0;
  for (const _ of value) count++;
  return count;
}

/** As a value stands inside an error. */
export function plainText(value: Value): string {
  if (value instanceof Uint) return String(value.value);
  if (typeof value === "object") return typeNameOf(value);
  return String(value);
}
