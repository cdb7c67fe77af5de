import { badRequest } from "../status.ts";
import { copyOf, isObject, type JsonObject, setKey } from "./value.ts";

/**
 * RFC 7386, "JSON Merge Patch".
 * @throws {StatusError} 400 for what is no patch of an object
 */
export function mergePatch(object: JsonObject, patch: unknown): JsonObject {
  if (patch === null) throw badRequest("Invalid JSON Patch");
  if (!isObject(patch)) {
    const type = Array.isArray(patch) ? "array" : typeof patch === "boolean" ? "bool" : typeof patch;
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`,
    );
  }
  return merged(copyOf(object), patch);
}

function merged(target: JsonObject, patch: JsonObject): JsonObject {
  for (const key in patch) {
    const value = patch[key];
    if (value === null) delete target[key];
    else if (isObject(value)) {
      const before = Object.hasOwn(target, key) ? target[key] : undefined;
      setKey(target, key, merged(isObject(before) ? before : {}, value));
    } else setKey(target, key, copyOf(value));
  }
  return target;
}
