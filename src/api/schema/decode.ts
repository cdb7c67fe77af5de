import { canonicalQuantity, QuantityError } from "../quantity.ts";
import { durationFrom, durationText, instantFrom, timeText } from "../time.ts";
import { type JsonDocument, NumberText, plainValue } from "./json.ts";
import type { Field, SchemaNode } from "./node.ts";

/** Why a value cannot be of its type, in the words of Kubernetes' decoder. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

export interface Decoded {
  readonly object: Record<string, unknown>;
  /** `unknown field "spec.foo"`, `duplicate field "spec.replicas"`: refused, warned of or ignored by fieldValidation. */
  readonly strictErrors: readonly string[];
}

/**
 * Makes an object of a built-in type from JSON: drops unknown fields and nulls, writes quantities in their canonical form,
 * and leaves out what Kubernetes' types do not tell from absent (zero values of fields that are no pointers).
 * Changes the value it is given.
 * @throws {DecodeError} when a value is of the wrong type
 */
export function decode(document: JsonDocument, node: SchemaNode): Decoded {
  const decoder = new Decoder(document.repeated);
  const object = decoder.object(document.value, node);
  const { strictFault } = document;
  return { object, strictErrors: strictFault ? [strictFault, ...decoder.strictErrors] : decoder.strictErrors };
}

/** The same for a value that was never text. */
export function decodeValue(value: unknown, node: SchemaNode): Decoded {
  return decode({ value, repeated: noneRepeated }, node);
}

/** What the API answers to strict errors under fieldValidation=Strict. */
export function strictMessage(errors: readonly string[]): string {
  return `strict decoding error: ${errors.join(", ")}`;
}

const noneRepeated: ReadonlyMap<object, readonly string[]> = new Map();
/** Kubernetes stops collecting after so many. */
const maxStrictErrors = 100;
/** Stands for "as if it had not been there". */
const absent = undefined;
const kindFields = new Set(["apiVersion", "kind"]);

class Decoder {
  readonly strictErrors: string[] = [];
  readonly #repeated: JsonDocument["repeated"];
  /** Where the walk is: names of fields, positions in lists, keys of maps. */
  readonly #path: (string | number)[] = [];
  /** The names of fields alone, and the Go struct that the last belongs to: Go's errors name no more. */
  readonly #names: string[] = [];
  #struct = "";

  constructor(repeated: JsonDocument["repeated"]) {
    this.#repeated = repeated;
  }

  object(value: unknown, node: SchemaNode): Record<string, unknown> {
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof NumberText) {
      throw this.#mismatch(value, node.goType);
    }
    const object = value as Record<string, unknown>;
    const outer = this.#struct;
    this.#struct = node.goType.slice(node.goType.indexOf(".") + 1);
    const keys = this.#repeated.get(object);
    if (keys) this.#reportRepeated(keys, node);
    const { fields } = node;
    const atRoot = this.#path.length === 0;
    for (const name in object) {
      const field = fields.get(name);
      if (field && !field.embedded) {
        const given = object[name];
        this.#path.push(name);
        this.#names.push(name);
        const decoded = given === null ? absent : this.#field(given, field);
        this.#names.pop();
        this.#path.pop();
        if (decoded === absent) delete object[name];
        else if (decoded !== given) object[name] = decoded;
      } else if (!(atRoot && kindFields.has(name))) {
        if (!keys) this.#report("unknown", name);
        delete object[name];
      }
    }
    this.#struct = outer;
    return object;
  }

  #field(value: unknown, field: Field): unknown {
    const decoded = this.#value(value, field.node);
    if (field.pointer) return decoded;
    if (isEmpty(decoded, field)) return absent;
    return decoded;
  }

  #value(value: unknown, node: SchemaNode): unknown {
    switch (node.sort) {
      case "object":
        return this.object(value, node);
      case "list":
        return this.#list(value, node);
      case "map":
        return this.#map(value, node);
      case "string":
        if (typeof value !== "string") throw this.#mismatch(value, node.goType);
        return value;
      case "boolean":
        if (typeof value !== "boolean") throw this.#mismatch(value, node.goType);
        return value;
      case "int32":
        return this.#integer(value, node, 2 ** 31);
      case "int64":
        return this.#integer(value, node, 2 ** 63);
      case "double":
        if (typeof value !== "number" && !(value instanceof NumberText)) throw this.#mismatch(value, node.goType);
        return Number(value);
      case "bytes":
        if (typeof value !== "string") throw this.#mismatch(value, node.goType);
        return checkedBase64(value);
      case "quantity":
        return quantity(value);
      case "intOrString":
        if (typeof value === "string") return value;
        return this.#plainInteger(value, 2 ** 31);
      case "time":
        return time(value);
      case "microTime":
        return microTime(value);
      case "duration":
        return duration(value);
      case "fieldsV1":
      case "raw":
      case "any":
      case "schemaOrList":
      case "schemaOrBoolean":
      case "schemaOrStrings":
        return this.#open(value, node);
    }
  }

  #list(value: unknown, node: SchemaNode): unknown {
    const item = node.item;
    if (!Array.isArray(value) || !item) throw this.#mismatch(value, node.goType);
    for (let i = 0; i < value.length; i++) {
      this.#path.push(i);
      const given: unknown = value[i];
      const decoded = given === null ? zeroOf(item) : this.#value(given, item);
      if (decoded !== given) value[i] = decoded;
      this.#path.pop();
    }
    return value;
  }

  #map(value: unknown, node: SchemaNode): unknown {
    const item = node.item;
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof NumberText || !item) {
      throw this.#mismatch(value, node.goType);
    }
    const map = value as Record<string, unknown>;
    const keys = this.#repeated.get(map);
    if (keys) this.#reportRepeated(keys, undefined);
    for (const key in map) {
      const given = map[key];
      this.#path.push(key);
      const decoded = given === null ? zeroOf(item) : this.#value(given, item);
      this.#path.pop();
      if (decoded !== given) map[key] = decoded;
    }
    return map;
  }

  #integer(value: unknown, node: SchemaNode, bound: number): number {
    if (typeof value === "number" && Number.isInteger(value) && value >= -bound && value < bound) return value;
    if (value instanceof NumberText && isInteger(value, bound)) return Number(value.text);
    const number = typeof value === "number" || value instanceof NumberText;
    throw this.#mismatch(value, node.goType, number ? ` ${numberText(value)}` : "");
  }

  /** A number inside a type that reads itself: its errors do not know where they are. */
  #plainInteger(value: unknown, bound: number): number {
    if (typeof value === "number" && Number.isInteger(value) && value >= -bound && value < bound) return value;
    const number = typeof value === "number" || value instanceof NumberText;
    const literal = number ? ` ${numberText(value)}` : "";
    throw new DecodeError(`json: cannot unmarshal ${jsonType(value)}${literal} into Go value of type int32`);
  }

  /** Values whose inside the schema does not know, or knows in several ways. */
  #open(value: unknown, node: SchemaNode): unknown {
    const schema = node.item;
    if (!schema) return plainValue(value);
    if (Array.isArray(value)) {
      if (node.sort === "schemaOrBoolean") throw new DecodeError("boolean or JSON schema expected");
      if (node.sort === "schemaOrStrings") return value;
      return value.map((item) => decodeValue(item, schema).object);
    }
    if (typeof value === "object" && value !== null) return decodeValue(value, schema).object;
    if (node.sort !== "schemaOrBoolean") return absent;
    if (typeof value !== "boolean") throw new DecodeError("boolean or JSON schema expected");
    return value;
  }

  #reportRepeated(keys: readonly string[], node: SchemaNode | undefined): void {
    const seen = new Set<string>();
    for (const key of keys) {
      if (seen.has(key)) this.#report("duplicate", key);
      else if (node && !node.fields.has(key) && !(this.#path.length === 0 && kindFields.has(key))) {
        this.#report("unknown", key);
      }
      seen.add(key);
    }
  }

  #report(what: "unknown" | "duplicate", name: string): void {
    if (this.strictErrors.length >= maxStrictErrors) return;
    this.strictErrors.push(`${what} field ${JSON.stringify(pathText([...this.#path, name]))}`);
  }

  #mismatch(value: unknown, goType: string, literal = ""): DecodeError {
    const where = this.#names.length ? `Go struct field ${this.#struct}.${this.#names.join(".")}` : "Go value";
    return new DecodeError(`json: cannot unmarshal ${jsonType(value)}${literal} into ${where} of type ${goType}`);
  }
}

function pathText(path: readonly (string | number)[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text ? `.${part}` : part;
  }
  return text;
}

function jsonType(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return value instanceof NumberText ? "number" : typeof value;
}

function numberText(value: unknown): string {
  return value instanceof NumberText ? value.text : String(value);
}

function isInteger({ text }: NumberText, bound: number): boolean {
  if (!/^-?\d+$/.test(text)) return false;
  const value = BigInt(text);
  return value >= -BigInt(bound) && value < BigInt(bound);
}

/** Whether a value that is no pointer is what Go leaves out with omitempty. */
function isEmpty(value: unknown, { always, node }: Field): boolean {
  if (value === absent) return true;
  if (always) return false;
  switch (node.sort) {
    case "list":
      return (value as unknown[]).length === 0;
    case "map":
      for (const _ in value as object) return false;
      return true;
    case "string":
    case "bytes":
      return value === "";
    case "boolean":
      return value === false;
    case "int32":
    case "int64":
    case "double":
      return value === 0;
    default:
      return false;
  }
}

/** What null stands for as an item of a list or a value of a map. */
function zeroOf(node: SchemaNode): unknown {
  switch (node.sort) {
    case "string":
    case "bytes":
      return "";
    case "boolean":
      return false;
    case "int32":
    case "int64":
    case "double":
    case "intOrString":
      return 0;
    case "object":
      return {};
    case "quantity":
      return "0";
    default:
      return null;
  }
}

function quantity(value: unknown): string {
  try {
    if (typeof value === "string") return canonicalQuantity(value.trim());
    return canonicalQuantity(value instanceof NumberText ? value.text : JSON.stringify(value));
  } catch (error) {
    throw error instanceof QuantityError ? new DecodeError(error.message) : error;
  }
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new DecodeError(`json: cannot unmarshal ${jsonType(value)} into Go value of type string`);
}

function time(value: unknown): string {
  const given = text(value);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(given) && instantFrom(given)) return given;
  const instant = instantFrom(given);
  if (!instant) throw badTime(given, "2006-01-02T15:04:05Z07:00");
  return timeText(instant.seconds * 1000);
}

function microTime(value: unknown): string {
  const given = text(value);
  const layout = "2006-01-02T15:04:05.000000Z07:00";
  const instant = instantFrom(given);
  if (!instant) throw badTime(given, layout);
  return `${timeText(instant.seconds * 1000).slice(0, -1)}.${String(Math.floor(instant.nanos / 1000)).padStart(6, "0")}Z`;
}

/** As Go's time package: the part of the text that did not fit, and the part of the layout that it did not fit. */
function badTime(given: string, layout: string): DecodeError {
  const parts: readonly [RegExp, string][] = [
    [/^\d{4}/, "2006"],
    [/^-/, "-"],
    [/^\d\d/, "01"],
    [/^-/, "-"],
    [/^\d\d/, "02"],
    [/^T/, "T"],
    [/^\d\d/, "15"],
    [/^:/, ":"],
    [/^\d\d/, "04"],
    [/^:/, ":"],
    [/^\d\d(\.\d+)?/, "05"],
    [/^(Z|[+-]\d\d:\d\d)/, "Z07:00"],
  ];
  let rest = given;
  for (const [pattern, element] of parts) {
    const found = pattern.exec(rest);
    if (!found) {
      return new DecodeError(
        `parsing time ${JSON.stringify(given)} as "${layout}": cannot parse ${JSON.stringify(rest)} as "${element}"`,
      );
    }
    rest = rest.slice(found[0].length);
  }
  const why = rest ? `extra text: ${JSON.stringify(rest)}` : "day out of range";
  return new DecodeError(`parsing time ${JSON.stringify(given)}: ${why}`);
}

function duration(value: unknown): string {
  const given = text(value);
  const nanos = durationFrom(given);
  if (nanos === undefined) throw new DecodeError(`time: invalid duration ${JSON.stringify(given)}`);
  return durationText(nanos);
}

function checkedBase64(given: string): string {
  const clean = given.includes("\n") || given.includes("\r") ? given.replace(/[\r\n]/g, "") : given;
  const at = base64Fault(clean);
  if (at !== undefined) throw new DecodeError(`illegal base64 data at input byte ${at}`);
  return clean;
}

/** Where Go's decoder stops; undefined where it reads all. */
function base64Fault(text: string): number | undefined {
  const bad = text.search(/[^A-Za-z0-9+/]/);
  const whole = text.length - (text.length % 4);
  if (bad < 0) return whole === text.length ? undefined : whole;
  if (text[bad] !== "=" || bad % 4 < 2) return bad;
  const end = bad - (bad % 4) + 4;
  if (bad % 4 === 2 && text[bad + 1] !== "=") return bad + 1;
  return text.length > end ? end : undefined;
}
