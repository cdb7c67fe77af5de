import type { Writer } from "protobufjs/minimal.js";
import type { JsonObject } from "./schemas.ts";

/** Fields of the messages that OpenAPI documents of either version have in protobuf; what is absent is left out. */

export type Write = (writer: Writer, object: JsonObject) => void;

export const items = (value: unknown): JsonObject[] => (Array.isArray(value) ? value : []);
export const lengthDelimited = (number: number): number => (number << 3) | 2;

export function text(writer: Writer, number: number, value: unknown): void {
  if (typeof value === "string" && value) writer.uint32(lengthDelimited(number)).string(value);
}

export function flag(writer: Writer, number: number, value: unknown): void {
  if (value === true) writer.uint32(number << 3).bool(true);
}

export function message(writer: Writer, number: number, value: unknown, write: Write): void {
  if (typeof value !== "object" || value === null) return;
  writer.uint32(lengthDelimited(number)).fork();
  write(writer, value as JsonObject);
  writer.ldelim();
}

/** An object as a list of pairs. */
export function named(writer: Writer, number: number, object: JsonObject, write: Write): void {
  for (const [name, value] of Object.entries(object)) {
    writer.uint32(lengthDelimited(number)).fork();
    text(writer, 1, name);
    message(writer, 2, value, write);
    writer.ldelim();
  }
}

/** Any value travels as YAML, which JSON is. */
export function anyValue(writer: Writer, number: number, value: unknown): void {
  if (value === undefined) return;
  writer.uint32(lengthDelimited(number)).fork();
  text(writer, 2, `${JSON.stringify(value)}\n`);
  writer.ldelim();
}

export function vendorExtensions(writer: Writer, number: number, object: JsonObject): void {
  for (const [name, value] of Object.entries(object)) {
    if (!name.startsWith("x-")) continue;
    writer.uint32(lengthDelimited(number)).fork();
    text(writer, 1, name);
    anyValue(writer, 2, value);
    writer.ldelim();
  }
}
