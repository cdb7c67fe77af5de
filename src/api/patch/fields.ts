import type { FieldsV1 } from "../object.ts";
import { deducedNode } from "../schema/deduced.ts";
import type { SchemaNode } from "../schema/node.ts";
import { isObject, type JsonObject, sameValue } from "./value.ts";

/**
 * Sets of fields, in the form in which managedFields holds them (API reference, "FieldsV1"): a key is a step of a path, a
 * member of the set is an empty object or one that has ".". Sets are never changed once made; undefined is the empty set.
 */
export type FieldSet = FieldsV1 | undefined;

/** What became of an object's fields. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

// Shared by all sets, so nobody may write into it.
const member: FieldsV1 = Object.freeze({});
const self = ".";

function isEmptyNode(node: FieldsV1): boolean {
  for (const _ in node) return false;
  return true;
}
const isMember = (node: FieldsV1): boolean => self in node || isEmptyNode(node);

/** A set below one step of a path: undefined when it holds nothing. */
function joined(isMemberItself: boolean, children: FieldsV1): FieldSet {
  if (!isMemberItself) return isEmptyNode(children) ? undefined : children;
  return isEmptyNode(children) ? member : { [self]: member, ...children };
}

/** Combines two sets step by step: `keep` decides on membership by the membership in each. */
function combine(a: FieldSet, b: FieldSet, keep: (inA: boolean, inB: boolean) => boolean, atRoot: boolean): FieldSet {
  const itself = !atRoot && keep(a !== undefined && isMember(a), b !== undefined && isMember(b));
  const children: FieldsV1 = {};
  const visit = (key: string): void => {
    if (key === self) return;
    const child = combine(a?.[key], b?.[key], keep, false);
    if (child) children[key] = child;
  };
  for (const key in a) visit(key);
  for (const key in b) if (!a || !(key in a)) visit(key);
  return joined(itself, children);
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (!a || !b) return a ?? b;
  return combine(a, b, (inA, inB) => inA || inB, true);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (!a || !b) return undefined;
  return combine(a, b, (inA, inB) => inA && inB, true);
}

/** The members of `a` that are not members of `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (!a || !b) return a;
  return combine(a, b, (inA, inB) => inA && !inB, true);
}

/** The members of `a` that are neither members of `b` nor below one. */
export function differenceBelow(a: FieldSet, b: FieldSet): FieldSet {
  if (!a || !b) return a;
  const children: FieldsV1 = {};
  for (const key in a) {
    const [left, right] = [a[key], b[key]];
    if (!left || (right && isMember(right))) continue;
    if (key === self || !right) {
      children[key] = left;
      continue;
    }
    const rest = differenceBelow(left, right);
    if (rest) children[key] = rest;
  }
  return isEmptyNode(children) ? undefined : children;
}

export function setFrom(paths: readonly (readonly string[])[]): FieldSet {
  let set: FieldSet;
  for (const path of paths)
    set = union(
      set,
      nested(
        path.map((name) => `f:${name}`),
        member,
      ),
    );
  return set;
}

function nested(path: readonly string[], node: FieldsV1): FieldsV1 {
  return path.reduceRight<FieldsV1>((inner, step) => ({ [step]: inner }), node);
}

/** The members as Kubernetes' errors print them: .spec.containers[name="a"].image */
export function pathsOf(set: FieldSet, prefix = ""): string[] {
  if (!set) return [];
  const own = prefix && isMember(set) ? [prefix] : [];
  const keys = Object.keys(set)
    .filter((key) => key !== self)
    .sort();
  return [...own, ...keys.flatMap((key) => pathsOf(set[key], prefix + stepText(key)))];
}

function stepText(step: string): string {
  const rest = step.slice(2);
  if (step.startsWith("f:")) return `.${rest}`;
  if (step.startsWith("v:")) return `[=${rest}]`;
  if (step.startsWith("i:")) return `[${rest}]`;
  const keys = Object.entries(JSON.parse(rest) as JsonObject);
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
}

// ---- sets from values

function isDeclared(node: SchemaNode, key: string): boolean {
  const field = node.fields.get(key);
  return field !== undefined && !field.embedded;
}

/** The schema of a field; undefined where the schema does not allow it. */
export function childNode(node: SchemaNode, key: string): SchemaNode | undefined {
  const field = node.fields.get(key);
  if (field && !field.embedded) return field.node;
  if (node.item && node.sort !== "list") return node.item;
  return node.preserveUnknown || node === deducedNode ? deducedNode : undefined;
}

/** How server-side apply sees a value of this type: owned as a whole, or by its fields or items. */
export function shapeOf(node: SchemaNode, value: unknown): "leaf" | "map" | "list" {
  if (node.atomic || node.sort === "fieldsV1" || node.sort.startsWith("schemaOr")) return "leaf";
  if (Array.isArray(value)) return node.sort === "list" && node.listType !== "atomic" ? "list" : "leaf";
  if (!isObject(value)) return "leaf";
  return node.sort === "object" || node.sort === "map" || node.preserveUnknown ? "map" : "leaf";
}

/** The step of a path that names an item of a list. */
export function itemStep(node: SchemaNode, item: unknown): string {
  if (node.listType === "set") return `v:${JSON.stringify(item)}`;
  const keys: JsonObject = {};
  for (const key of [...node.listKeys].sort()) {
    const given = isObject(item) ? item[key] : undefined;
    const value = given ?? keyDefault(node, key);
    if (value !== undefined && value !== null) keys[key] = value;
  }
  return `k:${JSON.stringify(keys)}`;
}

/** What an item of a list is named by where it does not say: the schema's default, or the zero of a field that is always there. */
export function keyDefault(list: SchemaNode, key: string): unknown {
  const field = list.item?.fields.get(key);
  if (!field || field.default !== undefined) return field?.default;
  if (field.pointer || !field.always) return undefined;
  return field.node.sort === "string" ? "" : field.node.sort === "boolean" ? false : 0;
}

/** All fields of a value that was not there before; also those that hold others. */
function addedNode(value: unknown, node: SchemaNode): FieldsV1 {
  const shape = shapeOf(node, value);
  if (shape === "leaf") return member;
  const set: FieldsV1 = {};
  if (shape === "list") {
    const item = node.item ?? deducedNode;
    for (const entry of value as unknown[]) {
      const step = itemStep(node, entry);
      set[step] = step in set ? member : addedNode(entry, item);
    }
  } else {
    const map = value as JsonObject;
    for (const key in map) {
      if (map[key] !== undefined) set[`f:${key}`] = addedNode(map[key], childNode(node, key) ?? deducedNode);
    }
  }
  return isEmptyNode(set) ? member : { [self]: member, ...set };
}

/** What an applied configuration owns: its leaves, the items of its lists, the values of its maps. */
export function appliedSet(value: unknown, node: SchemaNode): FieldSet {
  const children: FieldsV1 = {};
  const shape = shapeOf(node, value);
  if (shape === "list") {
    for (const entry of value as unknown[]) {
      const step = itemStep(node, entry);
      const below = step in children ? undefined : appliedSet(entry, node.item ?? deducedNode);
      children[step] = below ? { [self]: member, ...below } : member;
    }
  } else if (shape === "map") {
    const map = value as JsonObject;
    for (const key in map) {
      const child = map[key];
      const below = childNode(node, key) ?? deducedNode;
      const node2 = appliedNode(child, below, isDeclared(node, key));
      if (node2) children[`f:${key}`] = node2;
    }
  }
  return isEmptyNode(children) ? undefined : children;
}

function appliedNode(value: unknown, node: SchemaNode, declared: boolean): FieldSet {
  if (shapeOf(node, value) === "leaf") return value === null || !isHollow(value, node) ? member : undefined;
  const below = appliedSet(value, node);
  if (!below) return !declared || (isObject(value) && isEmptyNode(value as FieldsV1)) ? member : undefined;
  return declared ? below : { [self]: member, ...below };
}

/** A list that merges item by item and has none owns nothing. */
function isHollow(value: unknown, node: SchemaNode): boolean {
  return Array.isArray(value) && value.length === 0 && node.sort === "list" && node.listType !== "atomic";
}

/** What changed between two values of a type. */
export function compare(before: unknown, after: unknown, node: SchemaNode): Comparison {
  const sets: { added?: FieldsV1; modified?: FieldsV1; removed?: FieldsV1 } = {};
  const put = (what: "added" | "modified" | "removed", path: readonly string[], set: FieldsV1): void => {
    sets[what] ??= {};
    let at = sets[what];
    for (const step of path.slice(0, -1)) {
      at[step] ??= {};
      at = at[step] as FieldsV1;
    }
    at[path.at(-1) ?? self] = set;
  };
  const path: string[] = [];
  // A step is `prefix` and the key; it is made where something differs only: most of an object is as it was.
  const children = (left: JsonObject, right: JsonObject, prefix: string, below: (key: string) => SchemaNode): void => {
    for (const key in left) if (own(right, key) === undefined) one(prefix, key, left[key], undefined, below);
    for (const key in right) one(prefix, key, own(left, key), right[key], below);
  };
  const one = (
    prefix: string,
    key: string,
    left: unknown,
    right: unknown,
    nodeBelow: (key: string) => SchemaNode,
  ): void => {
    if (left === right) return;
    const below = nodeBelow(key);
    path.push(prefix + key);
    if (left === undefined) put("added", path, addedNode(right, below));
    else if (right === undefined) put("removed", path, addedNode(left, below));
    else walk(left, right, below);
    path.pop();
  };
  const walk = (left: unknown, right: unknown, at: SchemaNode): void => {
    const shape = shapeOf(at, right) === "leaf" ? shapeOf(at, left) : shapeOf(at, right);
    const comparable = shape !== "leaf" && sameShape(left, right) && !(isHollowValue(left) && isHollowValue(right));
    if (!comparable) {
      if (!sameValue(left, right)) put("modified", path, member);
    } else if (shape === "list") {
      const item = at.item ?? deducedNode;
      children(itemsByStep(left, at), itemsByStep(right, at), "", () => item);
    } else {
      children(fieldsOf(left), fieldsOf(right), "f:", (key) => childNode(at, key) ?? deducedNode);
    }
  };
  walk(before, after, node);
  return { added: sets.added, modified: sets.modified, removed: sets.removed };
}

const isHollowValue = (value: unknown): boolean =>
  value === null || (Array.isArray(value) ? value.length === 0 : isObject(value) && isEmptyNode(value as FieldsV1));

/** Null counts as an empty list or map. */
function sameShape(left: unknown, right: unknown): boolean {
  if (left === null || right === null) return true;
  return Array.isArray(left) === Array.isArray(right) && isObject(left) === isObject(right);
}

const noFields: JsonObject = {};
const fieldsOf = (value: unknown): JsonObject => (isObject(value) ? value : noFields);

const own = (object: JsonObject, key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined);

function itemsByStep(value: unknown, node: SchemaNode): JsonObject {
  const items: JsonObject = {};
  if (Array.isArray(value)) for (const item of value) items[itemStep(node, item)] ??= item;
  return items;
}

// ---- taking fields out of values

/** Adds to a set the fields that hold members, where the schema declares them: taking out all of a field's parts takes out the field. */
export function withParents(set: FieldSet, node: SchemaNode | undefined): FieldSet {
  if (!set) return undefined;
  const result: FieldsV1 = {};
  for (const key in set) {
    const child = set[key];
    if (key === self || !child) {
      result[key] = member;
      continue;
    }
    const field = key.startsWith("f:");
    const below = field ? node && childNode(node, key.slice(2)) : node?.item;
    const inner = withParents(child, below) ?? member;
    const parent = field && node !== undefined && isDeclared(node, key.slice(2));
    result[key] = isEmptyNode(child) ? member : parent ? { [self]: member, ...inner } : inner;
  }
  return result;
}

/** The value without the members of the set; undefined when nothing is left of it. */
export function without(value: unknown, set: FieldSet, node: SchemaNode): unknown {
  if (!set) return value;
  const shape = shapeOf(node, value);
  if (shape === "list") {
    const item = node.item ?? deducedNode;
    const left = (value as unknown[]).flatMap((entry) => {
      const gone = set[itemStep(node, entry)];
      if (!gone) return [entry];
      return isMember(gone) ? [] : [without(entry, gone, item)];
    });
    return left.length ? left : undefined;
  }
  if (shape !== "map") return shape === "leaf" && (isObject(value) || Array.isArray(value)) ? undefined : value;
  const left: JsonObject = {};
  for (const [key, child] of Object.entries(value as JsonObject)) {
    const gone = set[`f:${key}`];
    if (gone && isMember(gone)) continue;
    const rest = gone ? without(child, gone, childNode(node, key) ?? deducedNode) : child;
    // A field of which nothing is left stays as null, so that it is still there when it is compared.
    left[key] = rest ?? null;
  }
  return isEmptyNode(left as FieldsV1) ? undefined : left;
}
