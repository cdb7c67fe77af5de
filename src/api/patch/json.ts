import { badRequest, StatusError } from "../status.ts";
import { copyOf, isObject, type JsonObject, sameValue, setKey } from "./value.ts";

const maxOperations = 10_000;

/**
 * RFC 6902, "JavaScript Object Notation (JSON) Patch", as Kubernetes applies it: the whole patch or nothing; null is no operation.
 * @throws {StatusError} 400 for what is no patch, 422 for one that does not fit the object
 */
export function jsonPatch(object: JsonObject, patch: unknown): JsonObject {
  if (patch === null) return copyOf(object);
  if (!Array.isArray(patch)) {
    const type = isObject(patch) ? "object" : typeof patch;
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${type === "boolean" ? "bool" : type} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  if (patch.length > maxOperations) {
    throw new StatusError(
      "RequestEntityTooLarge",
      `Request entity too large: The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
    );
  }
  const result = copyOf(object);
  for (const operation of patch) apply(result, operation);
  return result;
}

/** Kubernetes does not tell clients which operation failed. */
function rejected(): StatusError {
  return new StatusError("Invalid", "the server rejected our request due to an error in our request", {});
}

const operations: Record<string, (root: JsonObject, operation: JsonObject) => void> = {
  add: (root, operation) => add(placeOf(root, operation.path), copyOf(givenValue(operation))),
  remove: (root, { path }) => remove(placeOf(root, path)),
  replace: (root, operation) => replace(placeOf(root, operation.path), copyOf(givenValue(operation))),
  move: (root, { path, from }) => {
    const source = placeOf(root, from);
    const value = existing(source);
    remove(source);
    add(placeOf(root, path), value);
  },
  copy: (root, { path, from }) => add(placeOf(root, path), copyOf(existing(placeOf(root, from)))),
  test: (root, { path, value }) => {
    if (!sameValue(read(placeOf(root, path)) ?? null, value ?? null)) throw rejected();
  },
};

function apply(root: JsonObject, operation: unknown): void {
  const op = isObject(operation) && typeof operation.op === "string" ? operation.op : "";
  if (!isObject(operation) || !Object.hasOwn(operations, op)) throw rejected();
  operations[op]?.(root, operation);
}

function givenValue(operation: JsonObject): unknown {
  if (operation.value === undefined) throw rejected();
  return operation.value;
}

/** The last step of a JSON pointer: a key of an object, or a position in a list. */
interface Place {
  readonly parent: JsonObject | unknown[];
  readonly key: string;
}

function placeOf(root: JsonObject, pointer: unknown): Place {
  if (typeof pointer !== "string" || !pointer.startsWith("/")) throw rejected();
  const steps = pointer
    .slice(1)
    .split("/")
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const key = steps.pop() ?? "";
  let parent: unknown = root;
  for (const step of steps) {
    if (Array.isArray(parent)) parent = parent[positionIn(parent, step, parent.length - 1)];
    else parent = isObject(parent) && Object.hasOwn(parent, step) ? parent[step] : undefined;
  }
  if (!Array.isArray(parent) && !isObject(parent)) throw rejected();
  return { parent, key };
}

/** Negative positions count from the end, as in the library that Kubernetes uses. */
function positionIn(list: unknown[], step: string, last: number): number {
  if (!/^-?\d+$/.test(step)) throw rejected();
  const given = Number(step);
  const position = given < 0 ? list.length + given : given;
  if (position < 0 || position > last) throw rejected();
  return position;
}

function read({ parent, key }: Place): unknown {
  if (Array.isArray(parent)) return parent[positionIn(parent, key, parent.length - 1)];
  return Object.hasOwn(parent, key) ? parent[key] : undefined;
}

function existing(place: Place): unknown {
  const value = read(place);
  if (value === undefined) throw rejected();
  return value;
}

function add({ parent, key }: Place, value: unknown): void {
  if (Array.isArray(parent))
    parent.splice(key === "-" ? parent.length : positionIn(parent, key, parent.length), 0, value);
  else setKey(parent, key, value);
}

/** A key that is not there is added, as the library that Kubernetes uses does. */
function replace({ parent, key }: Place, value: unknown): void {
  if (Array.isArray(parent)) parent[positionIn(parent, key, parent.length - 1)] = value;
  else setKey(parent, key, value);
}

function remove(place: Place): void {
  existing(place);
  const { parent, key } = place;
  if (Array.isArray(parent)) parent.splice(positionIn(parent, key, parent.length - 1), 1);
  else delete parent[key];
}
