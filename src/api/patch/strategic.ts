import type { SchemaNode } from "../schema/node.ts";
import { badRequest, StatusError } from "../status.ts";
import { withoutNulls } from "../without-nulls.ts";
import { copyOf, goText, isObject, type JsonObject, sameValue, setKey } from "./value.ts";

const directive = "$patch";
const retainKeys = "$retainKeys";
const deletePrefix = "$deleteFromPrimitiveList/";
const orderPrefix = "$setElementOrder/";

/**
 * Kubernetes' own patch ("Update API Objects in Place Using kubectl patch", section "strategic merge patch"): lists merge by
 * the key that the schema names, and directives say what a merge cannot.
 * @throws {StatusError} for what is no such patch
 */
export function strategicPatch(object: JsonObject, patch: unknown, node: SchemaNode): JsonObject {
  if (patch === null) return copyOf(object);
  if (!isObject(patch)) {
    const type = Array.isArray(patch) ? "array" : typeof patch === "boolean" ? "bool" : typeof patch;
    throw badRequest(`json: cannot unmarshal ${type} into Go value of type map[string]interface {}`);
  }
  return mergeObject(copyOf(object), copyOf(patch), node);
}

/** Kubernetes answers these with a 500 that has no reason. */
function unclassified(message: string): StatusError {
  return new StatusError(undefined, message, undefined, 500);
}

/** The schema below a field; undefined below values that no schema describes. */
function nodeBelow(node: SchemaNode | undefined, key: string): SchemaNode | undefined {
  if (!node || node.sort === "raw" || node.sort === "any") return undefined;
  if (node.sort === "map") return node.item;
  const field = node.fields.get(key);
  if (!field) {
    const name = node.goType.slice(node.goType.indexOf(".") + 1);
    throw unclassified(`unable to find api field in struct ${name} for the json field ${JSON.stringify(key)}`);
  }
  return field.node;
}

function mergeObject(original: JsonObject, patch: JsonObject, node: SchemaNode | undefined): JsonObject {
  if (directive in patch) return applyDirective(patch);
  applyRetainKeys(original, patch);
  applyOrders(original, patch, node);
  for (const key in patch) {
    const value = patch[key];
    const deletes = key.startsWith(deletePrefix);
    const name = deletes ? key.slice(deletePrefix.length) : key;
    if (value === null) delete original[name];
    else if (deletes) {
      const list = original[name];
      if (Array.isArray(list) && Array.isArray(value)) original[name] = deleteFrom(list, value);
    } else mergeField(original, name, value, node);
  }
  return original;
}

function applyDirective(patch: JsonObject): JsonObject {
  if (patch[directive] === "replace") {
    const { [directive]: _, ...rest } = patch;
    return rest;
  }
  if (patch[directive] === "delete") return {};
  throw unknownDirective(patch);
}

function unknownDirective(patch: JsonObject): StatusError {
  return unclassified(`unknown patch type: ${goText(patch[directive])} in map: ${goText(patch)}`);
}

function mergeField(original: JsonObject, name: string, value: unknown, node: SchemaNode | undefined): void {
  const before = Object.hasOwn(original, name) ? original[name] : undefined;
  if (isObject(before) && isObject(value)) {
    const below = nodeBelow(node, name);
    const replaced = below?.patchStrategy.includes("replace");
    original[name] = replaced ? value : mergeObject(before, value, below);
  } else if (Array.isArray(before) && Array.isArray(value)) {
    const below = nodeBelow(node, name);
    original[name] = below?.patchStrategy.includes("merge") ? mergeList(before, value, below) : value;
  } else {
    const taken = withoutDirectives(withoutNulls(value)); // nulls in a value that is new mean nothing
    if (taken === nothing) delete original[name];
    else setKey(original, name, taken);
  }
}

/** "Only these keys shall be left": for unions, where the old choice must go when another is made. */
function applyRetainKeys(original: JsonObject, patch: JsonObject): void {
  if (!(retainKeys in patch)) return;
  const kept = patch[retainKeys];
  delete patch[retainKeys];
  if (!Array.isArray(kept)) throw badRequest("invalid patch format of retainKeys");
  for (const key in patch) {
    const counts = patch[key] !== null && !key.startsWith(deletePrefix) && !key.startsWith(orderPrefix);
    if (counts && !kept.includes(key)) throw badRequest("invalid patch format of retainKeys");
  }
  for (const key in original) if (!kept.includes(key)) delete original[key];
}

/** Merges the lists whose order the patch says, and takes them out of the patch. */
function applyOrders(original: JsonObject, patch: JsonObject, node: SchemaNode | undefined): void {
  for (const key in patch) {
    if (!key.startsWith("$setElementOrder")) continue;
    if (!key.startsWith(orderPrefix)) throw badRequest("invalid patch format of setElementOrder list");
    const order = patch[key];
    delete patch[key];
    const name = key.slice(orderPrefix.length);
    const [before, value] = [original[name], patch[name]];
    if (!Array.isArray(order)) throw expected("slice", order);
    if (before !== undefined && !Array.isArray(before)) throw expected("slice", before);
    if (value !== undefined && !Array.isArray(value)) throw expected("slice", value);
    const below = nodeBelow(node, name);
    checkOrder(value ?? [], order, below?.mergeKey);
    const both = orderedList(before, value, order, below);
    if (!both) continue;
    original[name] = both;
    delete patch[name];
  }
}

function expected(what: string, got: unknown): StatusError {
  const type = Array.isArray(got) ? "slice" : isObject(got) ? "map" : typeof got;
  return unclassified(`expected a ${what}, but received a ${type}`);
}

function orderedList(
  before: unknown[] | undefined,
  value: unknown[] | undefined,
  order: unknown[],
  node: SchemaNode | undefined,
): unknown[] | undefined {
  if (!before && !value) return undefined;
  let all: unknown[];
  if (before && value) all = node?.patchStrategy.includes("merge") ? mergeList([...before], value, node) : value;
  else if (before) all = before;
  else {
    const taken = withoutDirectives(value);
    if (!Array.isArray(taken)) return undefined;
    all = taken;
  }
  return normalizeOrder(all, order, before ?? [], node?.mergeKey);
}

function checkOrder(patch: readonly unknown[], order: readonly unknown[], mergeKey: string | undefined): void {
  if (!patch.length || !order.length) return;
  const wanted = patch.filter((item) => !(isObject(item) && directive in item));
  let next = 0;
  for (const item of order) if (next < wanted.length && sameItem(wanted[next], item, mergeKey)) next++;
  if (next < wanted.length) {
    throw unclassified(
      `The order in patch list:\n${goText(patch)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`,
    );
  }
}

function mergeList(original: unknown[], patch: unknown[], node: SchemaNode): unknown[] {
  if (!original.length && !patch.length) return original;
  const sample = original[0] ?? patch[0];
  const all = [...original, ...patch];
  if (all.some((item) => isObject(item) !== isObject(sample) || typeof item !== typeof sample)) {
    throw unclassified(`list element types are not identical: ${goText([original, patch])}`);
  }
  if (!isObject(sample)) {
    return normalizeOrder([...new Set(all)], patch, original, undefined);
  }
  const { mergeKey } = node;
  if (!mergeKey) throw unclassified(`cannot merge lists without merge key for ${node.goType}`);
  return mergeObjects(original as JsonObject[], patch as JsonObject[], mergeKey, node.item);
}

function mergeObjects(
  original: JsonObject[],
  patch: JsonObject[],
  mergeKey: string,
  item: SchemaNode | undefined,
): unknown[] {
  const plain = patch.filter((entry) => !(directive in entry));
  let left = [...original];
  let replaces = false;
  for (const entry of patch) {
    if (!(directive in entry)) continue;
    if (entry[directive] === "replace") replaces = true;
    else if (entry[directive] === "merge") throw unclassified("merging lists cannot yet be specified in the patch");
    else if (entry[directive] !== "delete") throw unknownDirective(entry);
    else if (!(mergeKey in entry)) throw noMergeKey(entry, mergeKey);
    else left = left.filter((other) => !sameValue(other[mergeKey], entry[mergeKey]));
  }
  if (replaces) return normalizeOrder(plain, [], plain, mergeKey);
  for (const entry of plain) {
    if (!(mergeKey in entry)) throw noMergeKey(entry, mergeKey);
    const found = left.findIndex((other) => sameValue(other[mergeKey], entry[mergeKey]));
    if (found >= 0) left[found] = mergeObject(left[found] ?? {}, entry, item);
    else left.push(entry);
  }
  return normalizeOrder(left, plain, original, mergeKey);
}

function noMergeKey(entry: JsonObject, mergeKey: string): StatusError {
  return unclassified(`map: ${goText(entry)} does not contain declared merge key: ${mergeKey}`);
}

/**
 * Items that the patch names come in the patch's order; those it does not know stay where they were between them.
 */
function normalizeOrder(
  all: readonly unknown[],
  patchOrder: readonly unknown[],
  serverOrder: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] {
  const at = (order: readonly unknown[], item: unknown): number =>
    order.findIndex((other) => sameItem(other, item, mergeKey));
  const sorted = (items: readonly unknown[], order: readonly unknown[]): unknown[] =>
    [...items].sort((a, b) => at(order, a) - at(order, b));
  const named = sorted(
    all.filter((item) => at(patchOrder, item) >= 0),
    patchOrder,
  );
  const others = sorted(
    all.filter((item) => at(patchOrder, item) < 0),
    serverOrder,
  );
  const result: unknown[] = [];
  while (others.length && named.length) {
    const [other, name] = [at(serverOrder, others[0]), at(serverOrder, named[0])];
    result.push(other >= 0 && name >= 0 && other < name ? others.shift() : named.shift());
  }
  return [...result, ...others, ...named];
}

function sameItem(a: unknown, b: unknown, mergeKey: string | undefined): boolean {
  if (!mergeKey) return sameValue(a, b);
  return isObject(a) && isObject(b) && sameValue(a[mergeKey], b[mergeKey]);
}

function deleteFrom(list: unknown[], gone: readonly unknown[]): unknown[] {
  const sample = list[0];
  if (list.length && gone.length && isObject(sample) !== isObject(gone[0])) {
    throw unclassified(`list element types are not identical: ${goText([list, gone])}`);
  }
  return list.filter((item) => !gone.some((other) => sameValue(item, other)));
}

const nothing = Symbol("nothing");

/** What is left of a new value when everything with a directive in it is taken out. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== nothing);
  if (!isObject(value)) return value;
  if (directive in value) return nothing;
  for (const key in value) {
    const left = withoutDirectives(value[key]);
    if (left === nothing) delete value[key];
    else value[key] = left;
  }
  return value;
}
