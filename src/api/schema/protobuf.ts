import protobuf from "protobufjs/minimal.js";
import { DecodeError } from "./decode.ts";
import type { SchemaNode } from "./node.ts";
import { decodeMessage, eachField, reading } from "./read-message.ts";
import { nodeOfKind } from "./table.ts";
import { bytes, tag } from "./wire.ts";
import { writeMessage } from "./write-message.ts";

/*
 * Kubernetes' protobuf form, driven by the schema table (Kubernetes docs, "API concepts", section "Kubernetes Protobuf
 * encoding"): the bytes k8s\0, then a runtime.Unknown with apiVersion, kind and the object's own message.
 */
type JsonObject = Record<string, unknown>;

const magic = Uint8Array.of(0x6b, 0x38, 0x73, 0);

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
function envelope(apiVersion: string, kind: string, raw: Uint8Array): Uint8Array {
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
function isProtobuf(body: Uint8Array): boolean {
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

function joinedBytes(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
