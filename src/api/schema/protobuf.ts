import protobuf, { type Reader, type Writer } from "protobufjs/minimal.js";
import { canonicalQuantity } from "../quantity.ts";
import { durationFrom, durationText, instantFrom, timeText } from "../time.ts";
import { DecodeError } from "./decode.ts";
import { fieldSetJson } from "./go-json.ts";
import type { Field, SchemaNode } from "./node.ts";
import { nodeOfKind, typeNode } from "./table.ts";

/*
 * Kubernetes' protobuf form, driven by the schema table (Kubernetes docs, "API concepts", section "Kubernetes Protobuf
 * encoding"): the bytes k8s\0, then a runtime.Unknown with apiVersion, kind and the object's own message. As Go's types
 * write it: a field that is no pointer is always there, zero or not; maps are sorted by key.
 */
type JsonObject = Record<string, unknown>;

const magic = Uint8Array.of(0x6b, 0x38, 0x73, 0);
const varint = 0;
const fixed64 = 1;
const bytes = 2;

/** An object with apiVersion and kind, of a built-in kind, as an answer's body. */
export function encodeProtobuf(object: JsonObject, node?: SchemaNode): Uint8Array {
  const { apiVersion, kind } = object as { apiVersion?: string; kind?: string };
  const schema = node ?? nodeOfKind(apiVersion ?? "", kind ?? "");
  if (!schema) throw new Error(`no protobuf form is known of ${apiVersion} ${kind}`);
  const raw = protobuf.Writer.create();
  writeMessage(raw, object, schema);
  return envelope(apiVersion ?? "", kind ?? "", raw.finish());
}

/** Puts an object's own message into the envelope. */
export function envelope(apiVersion: string, kind: string, raw: Uint8Array): Uint8Array {
  const writer = protobuf.Writer.create();
  writer
    .uint32(tag(1, bytes))
    .fork()
    .uint32(tag(1, bytes))
    .string(apiVersion)
    .uint32(tag(2, bytes))
    .string(kind)
    .ldelim();
  writer.uint32(tag(2, bytes)).bytes(raw);
  writer.uint32(tag(3, bytes)).string("").uint32(tag(4, bytes)).string("");
  return joinedBytes([magic, writer.finish()]);
}

/** Whether bytes begin as Kubernetes' protobuf does. */
export function isProtobuf(body: Uint8Array): boolean {
  return magic.every((byte, i) => body[i] === byte);
}

/** What an envelope says of its object, and the object's own message. */
export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

/** @throws {DecodeError} */
export function openEnvelope(body: Uint8Array): Envelope {
  if (body.length === 0) throw new DecodeError("empty data");
  if (!isProtobuf(body)) {
    throw new DecodeError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  }
  if (body.length === magic.length) throw new DecodeError("empty body");
  return reading(() => {
    const found = { apiVersion: "", kind: "", raw: new Uint8Array() as Uint8Array };
    eachField(protobuf.Reader.create(body.subarray(magic.length)), (number, reader) => {
      if (number === 2) found.raw = reader.bytes();
      else if (number !== 1) return false;
      else {
        eachField(protobuf.Reader.create(reader.bytes()), (inner, typeMeta) => {
          if (inner === 1) found.apiVersion = typeMeta.string();
          else if (inner === 2) found.kind = typeMeta.string();
          else return false;
          return true;
        });
      }
      return true;
    });
    return found;
  });
}

/**
 * The object of a request's body, as decode() would make it from JSON. `node` is needed for types that no kind names
 * (DeleteOptions in another group).
 * @throws {DecodeError}
 */
export function decodeProtobuf(body: Uint8Array, node?: SchemaNode): JsonObject {
  const { apiVersion, kind, raw } = openEnvelope(body);
  const schema = nodeOfKind(apiVersion, kind) ?? node;
  if (!schema)
    throw new DecodeError(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  return { ...(apiVersion && { apiVersion }), ...(kind && { kind }), ...decodeMessage(raw, schema) };
}

/** An object's own message, without the envelope. */
export function decodeMessage(raw: Uint8Array, node: SchemaNode): JsonObject {
  return reading(() => readMessage(protobuf.Reader.create(raw), node));
}

/** One event of a watch: its length in four bytes, then a WatchEvent around the object in its envelope. */
export function frameWatchEvent(type: string, object: Uint8Array): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(tag(1, bytes)).string(type);
  writer.uint32(tag(2, bytes)).fork().uint32(tag(1, bytes)).bytes(object).ldelim();
  const event = writer.finish();
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, event.length);
  return joinedBytes([length, event]);
}

/** The events at the start of a stream's bytes, and what is left of them: the beginning of the next. */
export function unframeWatchEvents(stream: Uint8Array): {
  events: { type: string; object: Uint8Array }[];
  rest: Uint8Array;
} {
  const events: { type: string; object: Uint8Array }[] = [];
  let at = 0;
  while (stream.length - at >= 4) {
    const length = new DataView(stream.buffer, stream.byteOffset + at).getUint32(0);
    if (stream.length - at - 4 < length) break;
    events.push(reading(() => readEvent(stream.subarray(at + 4, at + 4 + length))));
    at += 4 + length;
  }
  return { events, rest: stream.subarray(at) };
}

function readEvent(message: Uint8Array): { type: string; object: Uint8Array } {
  const event = { type: "", object: new Uint8Array() as Uint8Array };
  eachField(protobuf.Reader.create(message), (number, reader) => {
    if (number === 1) event.type = reader.string();
    else if (number === 2) event.object = readWrapped(reader);
    else return false;
    return true;
  });
  return event;
}

function joinedBytes(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const tag = (number: number, wireType: number): number => ((number << 3) | wireType) >>> 0;

// ---- what a type looks like on the wire

interface Plan {
  /** In the order of their numbers. */
  readonly fields: readonly Field[];
  readonly byNumber: ReadonlyMap<number, Field>;
}
const plans = new WeakMap<SchemaNode, Plan>();

function planOf(node: SchemaNode): Plan {
  let plan = plans.get(node);
  if (!plan) {
    const fields = [...node.fields.values()].filter(({ number }) => number > 0).sort((a, b) => a.number - b.number);
    plan = { fields, byNumber: new Map(fields.map((field) => [field.number, field])) };
    plans.set(node, plan);
  }
  return plan;
}

// ---- writing

function writeMessage(writer: Writer, object: JsonObject, node: SchemaNode): void {
  for (const field of planOf(node).fields) {
    const value = field.embedded ? object : object[field.name];
    if (value !== undefined && value !== null) writeField(writer, field.number, value, field.node);
    else if (!field.pointer) writeZero(writer, field.number, field.node);
  }
}

function writeField(writer: Writer, number: number, value: unknown, node: SchemaNode): void {
  if (node.goType === "v1.Verbs") {
    // The one list that is a message of its own.
    writer.uint32(tag(number, bytes)).fork();
    for (const item of value as string[]) writer.uint32(tag(1, bytes)).string(item);
    writer.ldelim();
  } else if (node.sort === "list") {
    for (const item of value as unknown[]) if (node.item) writeSingle(writer, number, item, node.item);
  } else if (node.sort === "map") {
    const map = value as JsonObject;
    for (const key of Object.keys(map).sort()) {
      writer.uint32(tag(number, bytes)).fork().uint32(tag(1, bytes)).string(key);
      if (node.item) writeSingle(writer, 2, map[key], node.item);
      writer.ldelim();
    }
  } else writeSingle(writer, number, value, node);
}

function writeSingle(writer: Writer, number: number, value: unknown, node: SchemaNode): void {
  switch (node.sort) {
    case "string":
      writer.uint32(tag(number, bytes)).string(value as string);
      return;
    case "bytes":
      writer.uint32(tag(number, bytes)).bytes(Buffer.from(value as string, "base64"));
      return;
    case "boolean":
      writer.uint32(tag(number, varint)).bool(value as boolean);
      return;
    case "int32":
      writer.uint32(tag(number, varint)).int32(value as number);
      return;
    case "int64":
      writer.uint32(tag(number, varint)).int64(value as number);
      return;
    case "double":
      writer.uint32(tag(number, fixed64)).double(value as number);
      return;
    default:
      writer.uint32(tag(number, bytes)).fork();
      writeInner(writer, value, node);
      writer.ldelim();
  }
}

/** Types whose message is not what JSON shows. */
function writeInner(writer: Writer, value: unknown, node: SchemaNode): void {
  switch (node.sort) {
    case "object":
      writeMessage(writer, (value ?? {}) as JsonObject, node);
      return;
    case "list":
      // A map's value that is a list is a message of its own.
      writeField(writer, 1, value ?? [], node);
      return;
    case "quantity":
      writer.uint32(tag(1, bytes)).string(value as string);
      return;
    case "time":
    case "microTime":
      writeTime(writer, value as string | null);
      return;
    case "duration":
      writer.uint32(tag(1, varint)).int64(durationFrom(value as string) ?? 0);
      return;
    case "intOrString": {
      const isText = typeof value === "string";
      writer.uint32(tag(1, varint)).int64(isText ? 1 : 0);
      writer.uint32(tag(2, varint)).int32(isText ? 0 : (value as number));
      writer.uint32(tag(3, bytes)).string(isText ? value : "");
      return;
    }
    case "fieldsV1":
      writer.uint32(tag(1, bytes)).string(fieldSetJson(value));
      return;
    case "schemaOrBoolean":
      writer.uint32(tag(1, varint)).bool(value !== false);
      if (typeof value === "object") writeSingle(writer, 2, value, schemaOf(node));
      return;
    case "schemaOrList":
      if (Array.isArray(value)) for (const item of value) writeSingle(writer, 2, item, schemaOf(node));
      else if (value) writeSingle(writer, 1, value, schemaOf(node));
      return;
    case "schemaOrStrings":
      if (Array.isArray(value)) for (const item of value) writer.uint32(tag(2, bytes)).string(item as string);
      else if (value) writeSingle(writer, 1, value, schemaOf(node));
      return;
    default:
      if (value !== undefined && value !== null) writer.uint32(tag(1, bytes)).string(JSON.stringify(value));
  }
}

function schemaOf(node: SchemaNode): SchemaNode {
  return node.item ?? typeNode("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps");
}

function writeTime(writer: Writer, text: string | null): void {
  const instant = text ? instantFrom(text) : undefined;
  if (!instant) return;
  writer.uint32(tag(1, varint)).int64(instant.seconds);
  writer.uint32(tag(2, varint)).int32(instant.nanos);
}

/** What a field that is no pointer is written as when it is absent; lists, maps and bytes are not. */
const zeros: Partial<Record<SchemaNode["sort"], unknown>> = {
  string: "",
  boolean: false,
  int32: 0,
  int64: 0,
  double: 0,
  intOrString: 0,
  quantity: "0",
  duration: "0s",
  object: {},
  time: null,
  microTime: null,
  raw: null,
  any: null,
};

function writeZero(writer: Writer, number: number, node: SchemaNode): void {
  const zero = zeros[node.sort];
  if (zero !== undefined) writeSingle(writer, number, zero, node);
}

// ---- reading

/** Turns what the library throws about bytes that are no message into the API's own error. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    throw new DecodeError("unexpected EOF", { cause: error });
  }
}

/** Calls `take` for each field; what it does not take is skipped. */
function eachField(reader: Reader, take: (number: number, reader: Reader, wireType: number) => boolean): void {
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

/** The bytes of a message that is only a wrapper around them. */
function readWrapped(reader: Reader): Uint8Array {
  let found: Uint8Array = new Uint8Array();
  eachField(protobuf.Reader.create(reader.bytes()), (number, inner) => {
    if (number === 1) found = inner.bytes();
    return number === 1;
  });
  return found;
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
