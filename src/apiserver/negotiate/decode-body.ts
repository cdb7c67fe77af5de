import { applyTypeDefaults } from "../../api/defaults.ts";
import { invalid, Path } from "../../api/field.ts";
import { apiVersionOf, groupVersionFrom } from "../../api/kind.ts";
import type { AnyObject } from "../../api/object.ts";
import { keepReset } from "../../api/patch/managed.ts";
import type { PatchType } from "../../api/request.ts";
import { DecodeError, decode, strictMessage } from "../../api/schema/decode.ts";
import { applySchemaDefaults } from "../../api/schema/defaults.ts";
import { type JsonDocument, JsonError, NumberText, parseJson } from "../../api/schema/json.ts";
import { decodeProtobuf, openEnvelope } from "../../api/schema/protobuf.ts";
import { decodeResource } from "../../api/schema/structural.ts";
import { isType, typeNode, typeOfKind } from "../../api/schema/table.ts";
import { badRequest, type StatusError } from "../../api/status.ts";
import type { Resource } from "../registry/resources.ts";
import type { Form } from "./accept.ts";
import { YamlError, yamlDocument } from "./read-yaml.ts";

export type FieldValidation = "Ignore" | "Warn" | "Strict";

/** What a body has to be, for those that are no objects of a resource (reviews, scales, options). */
export interface ExpectedBody {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** In the schema table. */
  readonly type: string;
  /** Another version that says the same: older clients still evict so. */
  readonly alsoAs?: string;
}

export interface DecodeOptions {
  readonly encoding: Form["encoding"];
  readonly fieldValidation: FieldValidation;
  /** Told of unknown and duplicate fields under "Warn". */
  warn(text: string): void;
}

/** The object that a body holds, as the resource's type reads it. @throws {StatusError} BadRequest */
export function decodeObject(bytes: Buffer, resource: Resource, options: DecodeOptions): AnyObject {
  const { group, version, kind, type } = resource.kind;
  if (resource.custom) return decodeCustom(bytes, resource, options);
  return decodeExpected(bytes, { group, version, kind, type }, options);
}

/** The object that a body holds, as a built-in type reads it. @throws {StatusError} BadRequest */
export function decodeExpected(bytes: Buffer, expected: ExpectedBody, options: DecodeOptions): AnyObject {
  if (options.encoding === "protobuf") return decodeMessage(bytes, expected);
  const document = readDocument(bytes, expected, options.encoding);
  if (document.value === null) return emptyObject(expected);
  refuseOtherKind(typeMeta(document.value, bytes, expected), expected);
  return decodeDocument(document, expected, options);
}

function decodeMessage(bytes: Buffer, expected: ExpectedBody): AnyObject {
  refuseOtherKind(openedEnvelope(bytes, expected), expected);
  try {
    return completed(decodeProtobuf(bytes, typeNode(expected.type)), expected);
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(`${cannotBeHandled(expected)}: ${error.message}`);
    throw error;
  }
}

function openedEnvelope(bytes: Buffer, { kind }: Pick<ExpectedBody, "kind">): TypeMeta {
  try {
    return openEnvelope(bytes);
  } catch (error) {
    if (error instanceof DecodeError) throw unrecognized(kind, `${error.message} (${summary(bytes)})`);
    throw error;
  }
}

function cannotBeHandled({ kind, version }: Pick<ExpectedBody, "kind" | "version">): string {
  return `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}`;
}

/** The same for a document that was read (or patched) already. */
export function decodeDocument(document: JsonDocument, expected: ExpectedBody, options: DecodeOptions): AnyObject {
  const where = cannotBeHandled(expected);
  keepReset(document.value);
  try {
    const { object, strictErrors } = decode(document, typeNode(expected.type));
    if (strictErrors.length > 0 && options.fieldValidation === "Strict")
      throw badRequest(`${where}: ${strictMessage(strictErrors)}`);
    if (options.fieldValidation === "Warn") for (const error of strictErrors) options.warn(error);
    return completed(object, expected);
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(`${where}: ${error.message}`);
    throw error;
  }
}

/** The same for a value that was never text: what a resource's type makes of it. */
export function decodeValueAs(value: unknown, resource: Resource, options: DecodeOptions): AnyObject {
  const document = { value, repeated: new Map() };
  return resource.custom
    ? decodeCustomDocument(document, resource, options)
    : decodeDocument(document, resource.kind, options);
}

/** An object that says what it is, and has metadata. */
export function completed(
  object: Record<string, unknown>,
  { group, version, kind }: Pick<ExpectedBody, "group" | "version" | "kind">,
): AnyObject {
  return {
    ...object,
    kind,
    apiVersion: apiVersionOf({ group, version }),
    metadata: (object.metadata ?? {}) as AnyObject["metadata"],
  };
}

function emptyObject(expected: ExpectedBody): AnyObject {
  return completed({}, expected);
}

/** A body as a JSON document. @throws {StatusError} BadRequest */
function readDocument(bytes: Buffer, { kind }: { readonly kind: string }, encoding: Form["encoding"]): JsonDocument {
  try {
    return encoding === "yaml" ? yamlDocument(bytes) : parseJson(bytes.toString());
  } catch (error) {
    if (error instanceof JsonError)
      throw unrecognized(kind, `${noTypeMeta}; json parse error: ${error.message} (${summary(bytes)})`);
    if (error instanceof YamlError) throw unrecognized(kind, `yaml: ${error.message} (${summary(bytes)})`);
    throw error;
  }
}

const deleteOptionsNode = typeNode("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");

/** The body of a delete. Its errors lack the words that others begin with. @throws {StatusError} BadRequest */
export function decodeDeleteOptions(bytes: Buffer, encoding: Form["encoding"]): Record<string, unknown> {
  try {
    if (encoding === "protobuf") {
      const { apiVersion, kind } = openEnvelope(bytes);
      return { ...decodeProtobuf(bytes, deleteOptionsNode), apiVersion, kind };
    }
    const document = encoding === "yaml" ? yamlDocument(bytes) : parseJson(bytes.toString());
    return document.value === null ? {} : decode(document, deleteOptionsNode).object;
  } catch (error) {
    if (error instanceof JsonError || error instanceof YamlError)
      throw badRequest(`couldn't get version/kind; json parse error: ${error.message}`);
    throw error instanceof DecodeError ? badRequest(error.message) : error;
  }
}

/** A patch as a JSON document. @throws {StatusError} BadRequest */
export function readPatch(bytes: Buffer, type: PatchType): JsonDocument {
  try {
    return type === "apply" ? yamlDocument(bytes) : parseJson(bytes.toString());
  } catch (error) {
    if (error instanceof JsonError)
      throw badRequest(type === "strategic" ? error.message : `error decoding patch: ${error.message}`);
    if (error instanceof YamlError)
      throw badRequest(`error decoding YAML: error converting YAML to JSON: yaml: ${error.message}`);
    throw error;
  }
}

const noTypeMeta = "couldn't get version/kind";

function unrecognized(kind: string, why: string): StatusError {
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why}`);
}

const summaryBytes = 30;

/** The beginning of a body, as errors show it. */
function summary(bytes: Buffer): string {
  if (bytes.length === 0) return "<empty>";
  const head = bytes.subarray(0, summaryBytes);
  const text = bytes[0] === 0x7b ? head.toString() : head.toString("hex");
  return bytes.length > summaryBytes ? `${text} ...` : text;
}

interface TypeMeta {
  readonly apiVersion: string;
  readonly kind: string;
}

const typeMetaGoType =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

function typeMeta(value: unknown, bytes: Buffer, { kind }: ExpectedBody): TypeMeta {
  const wrong = (of: unknown, where: string): StatusError =>
    unrecognized(
      kind,
      `${noTypeMeta}; json parse error: json: cannot unmarshal ${jsonType(of)} into ${where} (${summary(bytes)})`,
    );
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof NumberText)
    throw wrong(value, `Go value of type ${typeMetaGoType}`);
  const { apiVersion = "", kind: given = "" } = value as Partial<TypeMeta>;
  for (const [name, text] of [
    ["apiVersion", apiVersion],
    ["kind", given],
  ] as const)
    if (typeof text !== "string" && text !== null) throw wrong(text, `Go struct field .${name} of type string`);
  return { apiVersion: apiVersion ?? "", kind: given ?? "" };
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return value instanceof NumberText ? "number" : typeof value;
}

/** Kubernetes has three registers of kinds; its errors name the one that was asked. */
function schemeOf({ group }: { group: string }): string {
  const places: Readonly<Record<string, string>> = {
    "apiextensions.k8s.io": "pkg/apiserver/apiserver.go:55",
    "apiregistration.k8s.io": "pkg/apiserver/scheme/scheme.go:28",
  };
  return `scheme ${JSON.stringify(places[group] ?? "pkg/api/legacyscheme/scheme.go:30")}`;
}

function refuseOtherKind(given: TypeMeta, expected: ExpectedBody): void {
  const wanted = apiVersionOf(expected);
  const kind = given.kind || expected.kind;
  const apiVersion = given.apiVersion || wanted;
  if (kind === expected.kind && (apiVersion === wanted || apiVersion === expected.alsoAs)) return;
  const { group, version } = groupVersionFrom(apiVersion);
  const where = `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${expected.kind}`;
  const known = typeOfKind({ group, version, kind });
  if (!known && !isList(group, version, kind))
    throw badRequest(
      `${where}: no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in ${schemeOf(expected)}`,
    );
  const target = `${expected.group.split(".")[0] || "core"}.${expected.kind}`;
  throw badRequest(`${where}: converting (${version}.${kind}) to (${target}): unknown conversion`);
}

function isList(group: string, version: string, kind: string): boolean {
  return kind === "List" || isType(`io.k8s.api.${group.split(".")[0] || "core"}.${version}.${kind}`);
}

/** A custom resource: read as it stands; its schema decides what of it is kept. */
function decodeCustom(bytes: Buffer, resource: Resource, options: DecodeOptions): AnyObject {
  const { group, version, kind } = resource.kind;
  if (options.encoding === "protobuf") refuseProtobuf(bytes, resource);
  const document = readDocument(bytes, { kind }, options.encoding);
  const given = typeMeta(document.value ?? {}, bytes, { group, version, kind, type: "" });
  const wanted = apiVersionOf({ group, version });
  if (given.kind === "") {
    const text = bytes.toString();
    throw unrecognized(kind, `Object 'Kind' is missing in '${text}' (${summary(bytes)})`);
  }
  if (given.apiVersion !== "" && given.apiVersion !== wanted) {
    warnOfUnknown(document.value, options);
    throw badRequest(
      `the API version in the data (${given.apiVersion}) does not match the expected API version (${wanted})`,
    );
  }
  if (given.kind !== kind) {
    const { name = "" } = ((document.value as Partial<AnyObject>).metadata ?? {}) as { name?: string };
    throw invalid({ group, kind: given.kind }, name, [new Path("kind").invalid(given.kind, `must be ${kind}`)]);
  }
  return decodeCustomDocument({ ...document, value: document.value ?? {} }, resource, options);
}

/** Custom resources have no protobuf form; it is said after a look at what came. */
function refuseProtobuf(bytes: Buffer, resource: Resource): never {
  openedEnvelope(bytes, resource.kind);
  const why = "does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message";
  throw badRequest(`${cannotBeHandled(resource.kind)}: object *unstructured.Unstructured ${why}`);
}

const knownEverywhere = new Set(["apiVersion", "kind", "metadata"]);

/** Of another version no fields are known but those of every object. */
function warnOfUnknown(value: unknown, { fieldValidation, warn }: DecodeOptions): void {
  if (fieldValidation !== "Warn" || typeof value !== "object" || value === null) return;
  for (const field of Object.keys(value).sort())
    if (!knownEverywhere.has(field)) warn(`unknown field ${JSON.stringify(field)}`);
}

/** What a custom resource's schema makes of a document, with its defaults. */
function decodeCustomDocument(document: JsonDocument, resource: Resource, options: DecodeOptions): AnyObject {
  keepReset(document.value);
  const { kind, groupVersion, custom } = resource;
  if (!custom) throw badRequest(`${kind.kind} is no custom resource`);
  try {
    const { object, strictErrors } = decodeResource(document, custom.node);
    if (strictErrors.length > 0 && options.fieldValidation === "Strict")
      throw unreadable(kind, `strict decoding error: ${strictErrors.join(", ")}`);
    if (options.fieldValidation === "Warn") for (const error of strictErrors) options.warn(error);
    const metadata = (object.metadata ?? {}) as AnyObject["metadata"];
    return { ...object, kind: kind.kind, apiVersion: groupVersion, metadata };
  } catch (error) {
    if (error instanceof DecodeError) throw unreadable(kind, error.message);
    throw error;
  }
}

function unreadable({ kind, version }: { kind: string; version: string }, why: string): StatusError {
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
}

/** Fills in what the client left out: what the types, the schema and the kind say. Changes the object. */
export function fillIn({ kind, custom }: Resource, object: AnyObject): AnyObject {
  if (custom) applySchemaDefaults(object, custom.node);
  else applyTypeDefaults(object, kind.type);
  kind.strategy.defaults?.(object);
  return object;
}
