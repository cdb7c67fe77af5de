import protobuf, { type Writer } from "protobufjs/minimal.js";
import { anyValue, flag, items, lengthDelimited, message, named, text, vendorExtensions } from "./protobuf-fields.ts";
import type { JsonObject } from "./schemas.ts";

/**
 * The protobuf form of an OpenAPI v2 document (package openapi.v2 of github.com/google/gnostic-models), which older kubectl asks for.
 * Only the parts that Kubernetes' documents have.
 */
export function encodeOpenApiV2(document: JsonObject): Uint8Array {
  const writer = protobuf.Writer.create();
  text(writer, 1, document.swagger);
  message(writer, 2, document.info, (inner, info) => {
    text(inner, 1, info.title);
    text(inner, 2, info.version);
  });
  message(writer, 8, document.paths, (inner, paths) => named(inner, 2, paths, pathItem));
  message(writer, 9, document.definitions, (inner, definitions) => named(inner, 1, definitions, schema));
  for (const requirement of items(document.security)) {
    message(writer, 12, requirement, (inner, one) =>
      named(inner, 1, one, (scopes, list) => {
        for (const scope of items(list)) text(scopes, 1, scope);
      }),
    );
  }
  message(writer, 13, document.securityDefinitions, (inner, all) =>
    named(inner, 1, all, (definition, one) => message(definition, 2, one, apiKey)),
  );
  return writer.finish();
}

function schema(writer: Writer, object: JsonObject): void {
  text(writer, 1, object.$ref);
  text(writer, 2, object.format);
  text(writer, 4, object.description);
  anyValue(writer, 5, object.default);
  for (const name of items(object.required)) text(writer, 19, name);
  for (const value of items(object.enum)) anyValue(writer, 20, value);
  message(writer, 21, object.additionalProperties, (inner, one) => message(inner, 1, one, schema));
  if (object.type) {
    writer.uint32(lengthDelimited(22)).fork();
    text(writer, 1, object.type);
    writer.ldelim();
  }
  message(writer, 23, object.items, (inner, one) => message(inner, 1, one, schema));
  for (const one of items(object.allOf)) message(writer, 24, one, schema);
  message(writer, 25, object.properties, (inner, all) => named(inner, 1, all, schema));
  vendorExtensions(writer, 31, object);
}

const methods: readonly [method: string, number: number][] = [
  ["get", 2],
  ["put", 3],
  ["post", 4],
  ["delete", 5],
  ["options", 6],
  ["head", 7],
  ["patch", 8],
];

function pathItem(writer: Writer, item: JsonObject): void {
  for (const [method, number] of methods) message(writer, number, item[method], operation);
  for (const one of items(item.parameters)) parameter(writer, 9, one);
}

function operation(writer: Writer, object: JsonObject): void {
  for (const tag of items(object.tags)) text(writer, 1, tag);
  text(writer, 3, object.description);
  text(writer, 5, object.operationId);
  for (const type of items(object.produces)) text(writer, 6, type);
  for (const type of items(object.consumes)) text(writer, 7, type);
  for (const one of items(object.parameters)) parameter(writer, 8, one);
  message(writer, 9, object.responses, (inner, responses) =>
    named(inner, 1, responses, (value, one) => message(value, 1, one, response)),
  );
  for (const scheme of items(object.schemes)) text(writer, 10, scheme);
  vendorExtensions(writer, 13, object);
}

function response(writer: Writer, object: JsonObject): void {
  text(writer, 1, object.description);
  message(writer, 2, object.schema, (inner, one) => message(inner, 1, one, schema));
}

/** A ParametersItem with a Parameter inside, which is one of the body, of the query, or of the path. */
function parameter(writer: Writer, number: number, object: JsonObject): void {
  message(writer, number, object, (item) =>
    message(item, 1, object, (one) => {
      if (object.in === "body") message(one, 1, object, bodyParameter);
      else {
        message(one, 2, object, (plain) =>
          message(plain, object.in === "path" ? 4 : 3, object, object.in === "path" ? pathParameter : queryParameter),
        );
      }
    }),
  );
}

function bodyParameter(writer: Writer, object: JsonObject): void {
  text(writer, 1, object.description);
  text(writer, 2, object.name);
  text(writer, 3, object.in);
  flag(writer, 4, object.required);
  message(writer, 5, object.schema, schema);
}

function queryParameter(writer: Writer, object: JsonObject): void {
  parameterHead(writer, object);
  text(writer, 6, object.type);
  flag(writer, 20, object.uniqueItems);
}

function pathParameter(writer: Writer, object: JsonObject): void {
  parameterHead(writer, object);
  text(writer, 5, object.type);
  flag(writer, 19, object.uniqueItems);
}

function parameterHead(writer: Writer, object: JsonObject): void {
  flag(writer, 1, object.required);
  text(writer, 2, object.in);
  text(writer, 3, object.description);
  text(writer, 4, object.name);
}

function apiKey(writer: Writer, object: JsonObject): void {
  text(writer, 1, object.type);
  text(writer, 2, object.name);
  text(writer, 3, object.in);
  text(writer, 4, object.description);
}
