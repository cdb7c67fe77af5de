import { apiVersionOf, groupVersionFrom } from "../../api/kind.ts";
import type { AnyObject } from "../../api/object.ts";
import { applyPatch } from "../../api/patch/apply.ts";
import { jsonPatch } from "../../api/patch/json.ts";
import { keepReset } from "../../api/patch/managed.ts";
import { mergePatch } from "../../api/patch/merge.ts";
import { strategicPatch } from "../../api/patch/strategic.ts";
import { goText } from "../../api/patch/value.ts";
import { type Decoded, DecodeError, decodeValue, strictMessage } from "../../api/schema/decode.ts";
import { goJson } from "../../api/schema/go-json.ts";
import { type JsonDocument, plainValue, repeatedFields } from "../../api/schema/json.ts";
import type { SchemaNode } from "../../api/schema/node.ts";
import { typeNode, typeOfKind } from "../../api/schema/table.ts";
import { badRequest, conflict, StatusError } from "../../api/status.ts";
import type { Call } from "../call.ts";
import { completed, decodeValueAs, type ExpectedBody, type FieldValidation, fillIn } from "../negotiate/decode-body.ts";
import type { Answer } from "./answer.ts";
import type { Registry } from "./deps.ts";
import { nodeOf, writerOf } from "./ownership.ts";
import type { PatchBody } from "./perform.ts";
import { updateObject } from "./update.ts";

/** Changes an object by a patch (Kubernetes docs, "Update API Objects in Place Using kubectl patch"). */
export function patchObject(registry: Registry, call: Call, patch: PatchBody): Promise<Answer> {
  if (patch.type === "apply") return applyObject(registry, call, patch);
  refuseStrategic(call, patch);
  return updateObject(registry, call, { change: (old) => patched(call, patch, old) });
}

/** Server-side apply: makes the object if there is none. */
function applyObject(registry: Registry, call: Call, patch: PatchBody): Promise<Answer> {
  const applied = (live: AnyObject | undefined): AnyObject => {
    const configuration = appliedConfiguration(call.resource.kind, plainDocument(patch.document));
    // There is nothing yet that could be at that revision.
    if (!live && configuration.metadata) delete configuration.metadata.resourceVersion;
    const merged = applyPatch({
      live,
      patch: configuration,
      node: nodeOf(call.resource),
      writer: writerOf(call, registry.clock.now()),
      force: call.options.force ?? false,
    }) as AnyObject;
    const object = readAs(call, merged);
    refuseRepeatedKeys(call, patch.document);
    return object;
  };
  return updateObject(registry, call, {
    isApplied: true,
    change: applied,
    create: call.subresource === undefined ? () => newlyApplied(call, applied(undefined)) : undefined,
  });
}

/** An object that there is not yet has no uid. */
function newlyApplied({ resource, name = "" }: Call, object: AnyObject): AnyObject {
  const { uid } = object.metadata;
  if (uid)
    throw conflict(
      resource.name,
      name,
      `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
    );
  return object;
}

/** What fieldValidation makes of keys that come twice in a configuration. */
function refuseRepeatedKeys({ options, warn }: Call, { strictFault }: JsonDocument): void {
  if (strictFault === undefined || options.fieldValidation === "Ignore") return;
  const fault = `error converting YAML to JSON: ${strictFault}`;
  if (options.fieldValidation === "Strict") throw badRequest(`error strict decoding YAML: ${fault}`);
  warn(fault);
}

/** What is applied must be an object that says what it is. */
export function appliedConfiguration(expected: ExpectedBody, given: unknown): Partial<AnyObject> {
  const document = given ?? {};
  if (typeof document !== "object" || Array.isArray(document)) {
    const type = Array.isArray(document) ? "array" : typeof document;
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`,
    );
  }
  const configuration = document as Partial<AnyObject>;
  // What is no text says nothing.
  const [apiVersion, kind] = [configuration.apiVersion, configuration.kind].map((text) =>
    typeof text === "string" ? text : "",
  ) as [string, string];
  if (apiVersion === apiVersionOf(expected) && kind === expected.kind) return configuration;
  const groupVersion = apiVersion.includes("/") ? apiVersion : `/${apiVersion}`;
  throw badRequest(`invalid object type: ${groupVersion}, Kind=${kind}`);
}

/** What a patch made, read as the resource's type. */
export function readAs(call: Call, value: AnyObject): AnyObject {
  const { resource, options } = call;
  const decoding = { encoding: "json", fieldValidation: options.fieldValidation ?? "Warn", warn: call.warn } as const;
  return fillIn(resource, decodeValueAs(value, resource, decoding));
}

/** Custom resources know of no merge keys. @throws {StatusError} UnsupportedMediaType */
export function refuseStrategic({ resource }: Call, { type }: PatchBody): void {
  if (type !== "strategic" || !resource.custom) return;
  throw new StatusError(
    "UnsupportedMediaType",
    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
  );
}

/** The object that a patch makes of another one, read as the resource's type. */
export function patched(call: Call, patch: PatchBody, old: AnyObject): AnyObject {
  const { resource } = call;
  if (!resource.custom) return fillIn(resource, patchedAs(call, resource.kind, patch, old));
  const { value, repeated, refused } = madeBy({ kind: resource.kind, node: nodeOf(resource) }, patch, old);
  report(call, repeated, refused);
  return readAs(call, value);
}

/** The same for an object of a built-in type, whatever resource it stands for. */
export function patchedAs(call: Call, kind: ExpectedBody, patch: PatchBody, old: AnyObject): AnyObject {
  const node = typeNode(kind.type);
  const { value, repeated, refused } = madeBy({ kind, node }, patch, old);
  const refusedAs = patch.type === "strategic" ? (why: string) => refused(inConvertersWords(why)) : refused;
  const { object, strictErrors } = decodedOr(refusedAs, value, node);
  report(call, [...repeated, ...strictErrors], refused);
  return completed(object, kind);
}

/** What a patch is of. */
interface Patched {
  readonly kind: ExpectedBody;
  readonly node: SchemaNode;
}

interface Made {
  readonly value: AnyObject;
  /** What the patch says twice. */
  readonly repeated: readonly string[];
  /** The error that shows the patch, or what it made. */
  refused(why: string): StatusError;
}

function madeBy(of: Patched, patch: PatchBody, old: AnyObject): Made {
  const repeated = repeatedFields(patch.document).map((path) => `duplicate field ${JSON.stringify(path)}`);
  const value = appliedTo(of, patch, old) as AnyObject;
  keepReset(value);
  if (value.kind !== old.kind || value.apiVersion !== old.apiVersion)
    throw invalidPatch(madeText(of, patch, old), whyNotReadable(value, of.kind));
  // Decoding will change the value: what the patch made is made again to be shown.
  const refused = (why: string): StatusError =>
    invalidPatch(patch.type === "strategic" ? goText(patch.document.value) : madeText(of, patch, old), why);
  return { value, repeated, refused };
}

/** What fieldValidation makes of fields that are unknown or come twice. */
function report(call: Call, strictErrors: readonly string[], refused: (why: string) => StatusError): void {
  const fieldValidation: FieldValidation = call.options.fieldValidation ?? "Warn";
  if (strictErrors.length > 0 && fieldValidation === "Strict") throw refused(strictMessage(strictErrors));
  if (fieldValidation === "Warn") for (const text of strictErrors) call.warn(text);
}

function decodedOr(refused: (why: string) => StatusError, value: AnyObject, node: SchemaNode): Decoded {
  try {
    return decodeValue(value, node);
  } catch (error) {
    throw error instanceof DecodeError ? refused(error.message) : error;
  }
}

/** What a strategic patch makes is not read as JSON but converted, which complains of the wrong shape more shortly. */
function inConvertersWords(why: string): string {
  const [, given = "", type = ""] =
    /^json: cannot unmarshal (\w+) into Go (?:struct field \S+|value) of type (\S+)/.exec(why) ?? [];
  const kind = { object: "map", array: "slice", number: "int64" }[given] ?? given;
  if (type.startsWith("[]")) return `cannot restore slice from ${kind}`;
  return type.startsWith("map[") ? `cannot restore map from ${kind}` : why;
}

/** The 422 that shows what a patch made and why it is no object of its kind. */
function invalidPatch(shown: string, why: string): StatusError {
  const message = `Invalid value: ${JSON.stringify(shown)}: ${why}`;
  return new StatusError("Invalid", ` "" is invalid: patch: ${message}`, {
    causes: [{ reason: "FieldValueInvalid", message, field: "patch" }],
  });
}

function appliedTo({ node }: Patched, { type, document }: PatchBody, old: AnyObject): Record<string, unknown> {
  const value = plainDocument(document);
  switch (type) {
    case "json":
      return jsonPatch(old, value);
    case "merge":
      return mergePatch(old, value);
    case "strategic":
      return strategicPatch(old, value, node);
    case "apply":
      throw badRequest("apply is no change of one object");
  }
}

export function plainDocument({ value }: JsonDocument): unknown {
  return plainValue(structuredCloneJson(value));
}

/** A patch is applied again when another write came between: each time to a copy of its own. */
function structuredCloneJson(value: unknown): unknown {
  return typeof value === "object" && value !== null ? JSON.parse(JSON.stringify(value)) : value;
}

/** What a patch made, as Kubernetes shows it. */
function madeText(of: Patched, patch: PatchBody, old: AnyObject): string {
  const opened = patch.type === "json" ? lookedInto(plainDocument(patch.document)) : plainDocument(patch.document);
  return goJson(appliedTo(of, patch, old), of.node, opened);
}

/** The parts of an object that the operations of a JSON patch look into. */
function lookedInto(operations: unknown): Record<string, unknown> {
  const opened: Record<string, unknown> = {};
  for (const { path, from } of Array.isArray(operations) ? operations : [])
    for (const pointer of [path, from]) {
      if (typeof pointer !== "string") continue;
      let at = opened;
      for (const key of pointer.split("/").slice(1, -1)) {
        at[key] ??= {};
        at = at[key] as Record<string, unknown>;
      }
    }
  return opened;
}

/** A type of JSON, as Go's reader calls it. */
function goType(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** A patch cannot make something else of an object: it is read as what it says it is, and that is no such kind. */
function whyNotReadable(value: AnyObject, kind: ExpectedBody): string {
  for (const field of ["apiVersion", "kind"] as const)
    if (typeof (value[field] ?? "") !== "string")
      return `couldn't get version/kind; json parse error: json: cannot unmarshal ${goType(value[field])} into Go struct field .${field} of type string`;
  const { group, version } = groupVersionFrom(value.apiVersion ?? "");
  const type = typeOfKind({ group, version, kind: value.kind });
  if (!type)
    return `no kind ${JSON.stringify(value.kind)} is registered for version ${JSON.stringify(value.apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`;
  try {
    decodeValue(value, typeNode(type));
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
  return `converting (${version}.${value.kind}) to (${kind.group.split(".")[0] || "core"}.${kind.kind}): unknown conversion`;
}
