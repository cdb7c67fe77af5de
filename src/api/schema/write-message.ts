import type { Writer } from "protobufjs/minimal.js";
import { durationFrom, instantFrom } from "../time.ts";
import { fieldSetJson } from "./go-json.ts";
import type { SchemaNode } from "./node.ts";
import { bytes, fixed64, planOf, schemaOf, tag, varint } from "./wire.ts";

type JsonObject = Record<string, unknown>;

/** Writes an object's own message as Go's types do: a field that is no pointer is always there, zero or not; maps are sorted by key. */
export function writeMessage(writer: Writer, object: JsonObject, node: SchemaNode): void {
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
