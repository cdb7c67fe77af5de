import protobuf, { type Reader } from "protobufjs/minimal.js";
import { canonicalQuantity } from "../quantity.ts";
import { durationText, timeText } from "../time.ts";
import { DecodeError } from "./decode.ts";
import type { Field, SchemaNode } from "./node.ts";
import { bytes, fixed64, planOf, schemaOf, varint } from "./wire.ts";

type JsonObject = Record<string, unknown>;

/**
 * An object from its own message, as decode() would make it from JSON.
 * @throws {DecodeError}
 */
export function decodeMessage(raw: Uint8Array, node: SchemaNode): JsonObject {
  return reading(() => readMessage(protobuf.Reader.create(raw), node));
}

/** Turns what the library throws about bytes that are no message into the API's own error. */
export function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    throw new DecodeError("unexpected EOF", { cause: error });
  }
}

/** Calls `take` for each field; what it does not take is skipped. */
export function eachField(reader: Reader, take: (number: number, reader: Reader, wireType: number) => boolean): void {
  while (reader.pos < reader.len) {
    const key = reader.uint32();
    if (key >>> 3 === 0) throw new DecodeError("proto: illegal tag 0");
    if (!take(key >>> 3, reader, key & 7)) reader.skipType(key & 7);
  }
}

function readMessage(reader: Reader, node: SchemaNode): JsonObject {
  const object: JsonObject = {};
  const { byNumber } = planOf(node);
  eachField(reader, (number, _, wireType) => {
    const field = byNumber.get(number);
    if (!field || !fits(field.node, wireType)) return false;
    if (field.embedded) Object.assign(object, readMessage(protobuf.Reader.create(reader.bytes()), field.node));
    else readInto(object, field, reader, wireType);
    return true;
  });
  return object;
}

/** Whether the wire type is the one of the field's type; numbers of a list may be packed. */
function fits(node: SchemaNode, wireType: number): boolean {
  switch (node.sort) {
    case "boolean":
    case "int32":
    case "int64":
      return wireType === varint;
    case "double":
      return wireType === fixed64;
    case "list":
      return wireType === bytes || (node.item !== undefined && fits(node.item, wireType));
    default:
      return wireType === bytes;
  }
}

function readInto(object: JsonObject, field: Field, reader: Reader, wireType: number): void {
  const { name, node } = field;
  if (node.sort === "list" && node.item) {
    object[name] ??= [];
    readItems(object[name] as unknown[], node.item, reader, wireType);
  } else if (node.sort === "map" && node.item) {
    object[name] ??= {};
    readEntry(object[name] as JsonObject, node.item, reader);
  } else {
    const value = readSingle(reader, node);
    if (value === undefined || (!field.pointer && !field.always && isZero(value))) delete object[name];
    else object[name] = value;
  }
}

/** Zero values of fields that are no pointers are as good as absent; empty messages too: complete() writes them again. */
function isZero(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === "" || value === 0 || value === false;
}

function readItems(list: unknown[], item: SchemaNode, reader: Reader, wireType: number): void {
  const packed = wireType === bytes && !fits(item, bytes);
  if (!packed) {
    list.push(readSingle(reader, item) ?? null);
    return;
  }
  const inside = protobuf.Reader.create(reader.bytes());
  while (inside.pos < inside.len) list.push(readSingle(inside, item));
}

function readEntry(map: JsonObject, item: SchemaNode, reader: Reader): void {
  let key = "";
  let value: unknown;
  eachField(protobuf.Reader.create(reader.bytes()), (number, entry) => {
    if (number === 1) key = entry.string();
    else if (number === 2) value = readSingle(entry, item);
    else return false;
    return true;
  });
  const missing = item.sort === "string" || item.sort === "bytes" ? "" : item.sort === "object" ? {} : null;
  Object.defineProperty(map, key, { value: value ?? missing, enumerable: true, configurable: true, writable: true });
}

function readSingle(reader: Reader, node: SchemaNode): unknown {
  switch (node.sort) {
    case "string":
      return reader.string();
    case "bytes":
      return Buffer.from(reader.bytes()).toString("base64");
    case "boolean":
      return reader.bool();
    case "int32":
      return reader.int32();
    case "int64":
      return Number(String(reader.int64()));
    case "double":
      return reader.double();
    default:
      return readInner(reader.bytes(), node);
  }
}

function readInner(message: Uint8Array, node: SchemaNode): unknown {
  const reader = protobuf.Reader.create(message);
  switch (node.sort) {
    case "object":
      return readMessage(reader, node);
    case "list": {
      const list: unknown[] = [];
      eachField(reader, (number, _, wireType) => {
        if (number !== 1 || !node.item) return false;
        readItems(list, node.item, reader, wireType);
        return true;
      });
      return list;
    }
    case "quantity":
      return quantityText(readText(reader, 1));
    case "time":
    case "microTime":
      return readTime(reader, node.sort);
    case "duration":
      return durationText(readNumbers(reader).get(1) ?? 0);
    case "intOrString": {
      const copy = protobuf.Reader.create(message);
      const numbers = readNumbers(reader);
      return numbers.get(1) === 1 ? readText(copy, 3) : (numbers.get(2) ?? 0);
    }
    case "schemaOrBoolean":
    case "schemaOrList":
    case "schemaOrStrings":
      return readChoice(reader, node);
    default:
      return readJson(readText(reader, 1));
  }
}

function readChoice(reader: Reader, node: SchemaNode): unknown {
  let schema: unknown;
  let allows = false;
  const list: unknown[] = [];
  const schemaNumber = node.sort === "schemaOrBoolean" ? 2 : 1;
  eachField(reader, (number) => {
    if (number === schemaNumber) schema = readMessage(protobuf.Reader.create(reader.bytes()), schemaOf(node));
    else if (number === 1) allows = reader.bool();
    else if (number !== 2) return false;
    else if (node.sort === "schemaOrStrings") list.push(reader.string());
    else list.push(readMessage(protobuf.Reader.create(reader.bytes()), schemaOf(node)));
    return true;
  });
  if (schema !== undefined) return schema;
  return node.sort === "schemaOrBoolean" ? allows : list;
}

function readTime(reader: Reader, sort: "time" | "microTime"): string | undefined {
  const empty = reader.len === 0;
  const numbers = readNumbers(reader);
  if (empty) return undefined;
  const text = timeText((numbers.get(1) ?? 0) * 1000);
  if (sort === "time") return text;
  return `${text.slice(0, -1)}.${String(Math.floor((numbers.get(2) ?? 0) / 1000)).padStart(6, "0")}Z`;
}

/** The whole numbers of a message, by their field's number. */
function readNumbers(reader: Reader): Map<number, number> {
  const numbers = new Map<number, number>();
  eachField(reader, (number, _, wireType) => {
    if (wireType !== varint) return false;
    numbers.set(number, Number(String(reader.int64())));
    return true;
  });
  return numbers;
}

function readText(reader: Reader, wanted: number): string {
  let text = "";
  eachField(reader, (number, _, wireType) => {
    if (number !== wanted || wireType !== bytes) return false;
    text = reader.string();
    return true;
  });
  return text;
}

function quantityText(text: string): string {
  try {
    return canonicalQuantity(text);
  } catch (error) {
    throw new DecodeError((error as Error).message, { cause: error });
  }
}

function readJson(text: string): unknown {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DecodeError((error as Error).message, { cause: error });
  }
}
