import type { AnyObject } from "../../api/object.ts";
import { applyPatch } from "../../api/patch/apply.ts";
import { jsonPatch } from "../../api/patch/json.ts";
import { mergePatch } from "../../api/patch/merge.ts";
import { strategicPatch } from "../../api/patch/strategic.ts";
import { type JsonDocument, plainValue, repeatedFields } from "../../api/schema/json.ts";
import { typeNode } from "../../api/schema/table.ts";
import { badRequest, StatusError } from "../../api/status.ts";
import type { Call } from "../call.ts";
import { decodeCustomDocument, decodeDocument, type FieldValidation, fillIn } from "../negotiate/decode-body.ts";
import type { Answer } from "./answer.ts";
import type { Registry } from "./deps.ts";
import { nodeOf, writerOf } from "./ownership.ts";
import type { PatchBody } from "./perform.ts";
import { updateObject } from "./update.ts";

/** Changes an object by a patch (Kubernetes docs, "Update API Objects in Place Using kubectl patch"). */
export function patchObject(registry: Registry, call: Call, patch: PatchBody): Promise<Answer> {
  if (patch.type === "apply") return applyObject(registry, call, patch);
  if (patch.type === "strategic" && call.resource.custom) throw noStrategicPatch();
  return updateObject(registry, call, { change: (old) => patched(call, patch, old) });
}

/** Server-side apply: makes the object if there is none. */
function applyObject(registry: Registry, call: Call, patch: PatchBody): Promise<Answer> {
  const applied = (live: AnyObject | undefined): AnyObject => {
    const merged = applyPatch({
      live,
      patch: plainDocument(patch.document),
      node: nodeOf(call.resource),
      writer: writerOf(call, registry.clock.now()),
      force: call.options.force ?? false,
    }) as AnyObject;
    return readAs(call, merged);
  };
  return updateObject(registry, call, {
    isApplied: true,
    change: applied,
    create: call.subresource === undefined ? () => applied(undefined) : undefined,
  });
}

/** What a patch made, read as the resource's type. */
function readAs(call: Call, value: AnyObject): AnyObject {
  const { resource, options } = call;
  const decoding = { encoding: "json", fieldValidation: options.fieldValidation ?? "Warn", warn: call.warn } as const;
  const object = resource.custom
    ? decodeCustomDocument({ value, repeated: new Map() }, resource, decoding)
    : decodeDocument({ value, repeated: new Map() }, resource.kind, decoding);
  return fillIn(resource, object);
}

function noStrategicPatch(): StatusError {
  return new StatusError(
    "UnsupportedMediaType",
    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
  );
}

/** The object that a patch makes of another one, read as the resource's type. */
export function patched(call: Call, patch: PatchBody, old: AnyObject): AnyObject {
  const fieldValidation: FieldValidation = call.options.fieldValidation ?? "Warn";
  const repeated = repeatedFields(patch.document).map((path) => `duplicate field ${JSON.stringify(path)}`);
  if (repeated.length > 0 && fieldValidation === "Strict")
    throw badRequest(`strict decoding error: ${repeated.join(", ")}`);
  if (fieldValidation === "Warn") for (const text of repeated) call.warn(text);

  const value = appliedTo(call, patch, old) as AnyObject;
  // A patch that leaves an empty list of managers means none; without saying so they would be kept.
  if (value.metadata?.managedFields?.length === 0) value.metadata.managedFields = [{}];
  refuseOtherType(call, value, old);
  return readAs(call, value);
}

function appliedTo({ resource }: Call, { type, document }: PatchBody, old: AnyObject): Record<string, unknown> {
  const value = plainDocument(document);
  switch (type) {
    case "json":
      return jsonPatch(old, value);
    case "merge":
      return mergePatch(old, value);
    case "strategic":
      return strategicPatch(old, value, typeNode(resource.kind.type));
    case "apply":
      throw badRequest("apply is no change of one object");
  }
}

function plainDocument({ value }: JsonDocument): unknown {
  return plainValue(structuredCloneJson(value));
}

/** A patch is applied again when another write came between: each time to a copy of its own. */
function structuredCloneJson(value: unknown): unknown {
  return typeof value === "object" && value !== null ? JSON.parse(JSON.stringify(value)) : value;
}

/** A patch cannot make something else of an object. */
function refuseOtherType({ resource }: Call, value: AnyObject, old: AnyObject): void {
  if (value.kind === old.kind && value.apiVersion === old.apiVersion) return;
  const message = `Invalid value: ${JSON.stringify(JSON.stringify(value))}: no kind ${JSON.stringify(value.kind)} is registered for version ${JSON.stringify(value.apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`;
  throw new StatusError("Invalid", ` "" is invalid: patch: ${message}`, {
    causes: [{ reason: "FieldValueInvalid", message, field: "patch" }],
    ...(resource.kind.group && { group: "" }),
  });
}
