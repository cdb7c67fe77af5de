import protobuf, { type Writer } from "protobufjs/minimal.js";
import {
  anyValue,
  flag,
  items,
  lengthDelimited,
  message,
  named,
  text,
  vendorExtensions,
  type Write,
} from "./protobuf-fields.ts";
import type { JsonObject } from "./schemas.ts";

/**
 * The protobuf form of an OpenAPI v3 document (package openapi.v3 of github.com/google/gnostic-models), which clients
 * written in Go may ask for. Only the parts that Kubernetes' documents have.
 */
export function encodeOpenApiV3(document: JsonObject): Uint8Array {
  const writer = protobuf.Writer.create();
  text(writer, 1, document.openapi);
  message(writer, 2, document.info, (inner, info) => {
    text(inner, 1, info.title);
    text(inner, 6, info.version);
  });
  message(writer, 4, document.paths, (inner, paths) => named(inner, 1, paths, pathItem));
  message(writer, 5, document.components, (inner, components) => {
    message(inner, 1, components.schemas, (all, schemas) => named(all, 1, schemas, schemaOrReference));
    message(inner, 7, components.securitySchemes, (all, schemes) =>
      named(all, 1, schemes, (either, one) => message(either, 1, one, securityScheme)),
    );
  });
  return writer.finish();
}

const varint = (number: number): number => number << 3;
const fixed64 = (number: number): number => (number << 3) | 1;

function integer(writer: Writer, number: number, value: unknown): void {
  if (typeof value === "number" && value !== 0) writer.uint32(varint(number)).int64(value);
}

function double(writer: Writer, number: number, value: unknown): void {
  if (typeof value === "number" && value !== 0) writer.uint32(fixed64(number)).double(value);
}

/** What may be a reference stands in a message of its own: as the first field of it, or as the second. */
const orReference =
  (write: Write): Write =>
  (writer, object) => {
    if (typeof object.$ref === "string") message(writer, 2, object, (inner, one) => text(inner, 1, one.$ref));
    else message(writer, 1, object, write);
  };

const schemaOrReference: Write = (writer, object) => orReference(schema)(writer, object);

const flags = { nullable: 1, readOnly: 3, writeOnly: 4, deprecated: 8, exclusiveMaximum: 12, exclusiveMinimum: 14 };
const doubles = { multipleOf: 10, maximum: 11, minimum: 13 };
const integers = { maxLength: 15, minLength: 16, maxItems: 18, minItems: 19, maxProperties: 21, minProperties: 22 };
const lists = { allOf: 26, oneOf: 27, anyOf: 28 };

function schema(writer: Writer, object: JsonObject): void {
  for (const [name, number] of Object.entries(flags)) flag(writer, number, object[name]);
  text(writer, 9, object.title);
  for (const [name, number] of Object.entries(doubles)) double(writer, number, object[name]);
  for (const [name, number] of Object.entries(integers)) integer(writer, number, object[name]);
  text(writer, 17, object.pattern);
  flag(writer, 20, object.uniqueItems);
  for (const name of items(object.required)) text(writer, 23, name);
  for (const value of items(object.enum)) anyValue(writer, 24, value);
  text(writer, 25, object.type);
  for (const [name, number] of Object.entries(lists))
    for (const one of items(object[name])) message(writer, number, one, schemaOrReference);
  message(writer, 29, object.not, schema);
  message(writer, 30, object.items, (inner, one) => message(inner, 1, one, schemaOrReference));
  message(writer, 31, object.properties, (inner, all) => named(inner, 1, all, schemaOrReference));
  if (typeof object.additionalProperties === "boolean")
    message(writer, 32, object, (inner) => inner.uint32(varint(2)).bool(object.additionalProperties === true));
  else message(writer, 32, object.additionalProperties, (inner, one) => message(inner, 1, one, schemaOrReference));
  if (object.default !== undefined) message(writer, 33, { value: object.default }, defaultValue);
  text(writer, 34, object.description);
  text(writer, 35, object.format);
  vendorExtensions(writer, 36, object);
}

/** Only numbers, texts and truth: of any other value the message says no more than that there is one. */
function defaultValue(writer: Writer, { value }: JsonObject): void {
  if (typeof value === "number") writer.uint32(fixed64(1)).double(value);
  if (typeof value === "boolean") writer.uint32(varint(2)).bool(value);
  if (typeof value === "string") writer.uint32(lengthDelimited(3)).string(value);
}

const methods = { get: 4, put: 5, post: 6, delete: 7, options: 8, head: 9, patch: 10 };

function pathItem(writer: Writer, item: JsonObject): void {
  for (const [method, number] of Object.entries(methods)) message(writer, number, item[method], operation);
  for (const one of items(item.parameters)) message(writer, 13, one, orReference(parameter));
}

function operation(writer: Writer, object: JsonObject): void {
  for (const tag of items(object.tags)) text(writer, 1, tag);
  text(writer, 3, object.description);
  text(writer, 5, object.operationId);
  for (const one of items(object.parameters)) message(writer, 6, one, orReference(parameter));
  message(
    writer,
    7,
    object.requestBody,
    orReference((inner, body) => {
      message(inner, 2, body.content, mediaTypes);
      flag(inner, 3, body.required);
    }),
  );
  message(writer, 8, object.responses, (inner, responses) => named(inner, 2, responses, orReference(response)));
  flag(writer, 10, object.deprecated);
  vendorExtensions(writer, 13, object);
}

function parameter(writer: Writer, object: JsonObject): void {
  text(writer, 1, object.name);
  text(writer, 2, object.in);
  text(writer, 3, object.description);
  flag(writer, 4, object.required);
  message(writer, 10, object.schema, schemaOrReference);
}

function response(writer: Writer, object: JsonObject): void {
  text(writer, 1, object.description);
  message(writer, 3, object.content, mediaTypes);
}

function mediaTypes(writer: Writer, content: JsonObject): void {
  named(writer, 1, content, (inner, one) => message(inner, 1, one.schema, schemaOrReference));
}

function securityScheme(writer: Writer, object: JsonObject): void {
  text(writer, 1, object.type);
  text(writer, 2, object.description);
  text(writer, 3, object.name);
  text(writer, 4, object.in);
}
