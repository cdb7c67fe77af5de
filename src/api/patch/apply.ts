import { deducedNode } from "../schema/deduced.ts";
import { goJson } from "../schema/go-json.ts";
import type { SchemaNode } from "../schema/node.ts";
import { badRequest, StatusError } from "../status.ts";
import {
  appliedSet,
  childNode,
  compare,
  difference,
  type FieldSet,
  intersection,
  itemStep,
  keyDefault,
  pathsOf,
  shapeOf,
  union,
  without,
  withParents,
} from "./fields.ts";
import {
  applyEntry,
  beforeFirstApply,
  dropUnserved,
  emptyObject,
  entriesFrom,
  idOf,
  ignoring,
  type Manager,
  type Managers,
  managedFieldsOf,
  managersFrom,
  setManagedFields,
  type Writer,
  withoutUnowned,
  yieldFields,
} from "./managed.ts";
import { copyOf, goText, isObject, type JsonObject, sameValue, setKey } from "./value.ts";

export interface Application {
  /** The object as stored, undefined where there is none yet. Not changed. */
  readonly live: JsonObject | undefined;
  /** What the client wants the object to be, as it sent it. */
  readonly patch: unknown;
  readonly node: SchemaNode;
  readonly writer: Writer;
  /** Takes fields from other managers instead of failing. */
  readonly force: boolean;
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * Server-side apply (Kubernetes docs, "Server-Side Apply"): merges the configuration into the object, takes out what its
 * manager applied before and no longer does, and records who owns what. The answer is not yet decoded or defaulted.
 * Where nothing changed, it equals `live`, times included.
 * @throws {StatusError} 409 with the conflicts, or what is wrong with the configuration
 */
export function applyPatch(application: Application): JsonObject {
  const patch = checkedPatch(application.patch, application.node);
  try {
    return merge(application, patch, application.force);
  } catch (error) {
    if (!(error instanceof Conflicts)) throw error;
    if (mayTakeOver(application, error)) return merge(application, patch, true);
    throw error.toStatus();
  }
}

function checkedPatch(patch: unknown, node: SchemaNode): JsonObject {
  if (!isObject(patch)) throw badRequest(`error decoding patch: json: cannot unmarshal ${typeof patch} into Go value`);
  const metadata = isObject(patch.metadata) ? patch.metadata : {};
  if (metadata.managedFields !== undefined) throw badRequest("metadata.managedFields must be nil");
  const errors = typeErrors(patch, node, "");
  if (errors.length) {
    const [group = "", version] = groupVersion(String(patch.apiVersion ?? ""));
    const name = `${metadata.namespace ?? ""}/${metadata.name ?? ""}; ${group}/${version}, Kind=${patch.kind}`;
    const why = errors.length === 1 ? errors[0] : `errors:\n${errors.map((error) => `  ${error}`).join("\n")}`;
    throw new StatusError(undefined, `failed to create typed patch object (${name}): ${why}`, undefined, 500);
  }
  return patch;
}

/**
 * A configuration merged into an object as by server-side apply, for somebody who owns no fields. Lists and maps that are one
 * value cannot be changed so.
 * @throws {StatusError} when it does not fit the object's type
 */
export function mergedConfiguration(object: JsonObject, configuration: unknown, node: SchemaNode): JsonObject {
  const patch = checkedPatch(configuration, node);
  return mergeValues(object, patch, node) as JsonObject;
}

function groupVersion(apiVersion: string): [group: string, version: string] {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}

function merge({ live, node, writer }: Application, patch: JsonObject, force: boolean): JsonObject {
  const before = live ?? emptyObject(node);
  const known = managersFrom(managedFieldsOf(live));
  const managers = live && known.size === 0 ? beforeFirstApply(live, node, writer) : known;

  const entry = applyEntry(writer);
  const id = idOf(entry);
  const { time } = managers.get(id) ?? {};
  const isRid = dropUnserved(managers, writer);
  const last = managers.get(id);
  const set = ignoredOut(appliedSet(patch, node), writer);
  managers.set(id, { entry, set, time });

  const merged = mergeValues(before, patch, node) as JsonObject;
  const pruned = prune(merged, managers, last, node);
  managers.set(id, { entry, set: withoutUnowned(set), time });
  setManagedFields(pruned, managedFieldsOf(live));
  const changed = ignoring(compare(before, pruned, node), writer.ignored);
  if (!force) refuseConflicts(managers, id, union(changed.added, changed.modified));
  yieldFields(managers, id, changed);

  const isSame = live !== undefined && !changed.added && !changed.modified && !changed.removed;
  if (isSame && !isRid && sameSet(last, managers.get(id), entry)) return copyOf(live);
  // Who only takes its share of what is there already changes nothing, and no time says when.
  const own = managers.get(id);
  if (own && !isSame) managers.set(id, { ...own, time: writer.now });
  setManagedFields(pruned, entriesFrom(managers));
  renewLastApplied(pruned, live, patch, writer);
  return pruned;
}

function ignoredOut(set: FieldSet, writer: Writer): FieldSet {
  return ignoring({ added: set, modified: undefined, removed: undefined }, writer.ignored).added;
}

function sameSet(last: Manager | undefined, now: Manager | undefined, entry: Manager["entry"]): boolean {
  if (!last || !now) return last === now;
  return sameValue(last.set ?? {}, now.set ?? {}) && last.entry.apiVersion === entry.apiVersion;
}

// ---- merging

/** The live value with the configuration laid over it. */
function mergeValues(live: unknown, patch: unknown, node: SchemaNode): unknown {
  if (patch === undefined) return copyOf(live);
  const shape = shapeOf(node, patch);
  if (shape === "map" && (isObject(live) || live === undefined || live === null)) {
    const map = isObject(live) ? live : {};
    const given = patch as JsonObject;
    const result: JsonObject = {};
    for (const key in map) setKey(result, key, mergeValues(map[key], given[key], childNode(node, key) ?? deducedNode));
    for (const key in given)
      if (!(key in map)) setKey(result, key, mergeValues(undefined, given[key], childNode(node, key) ?? deducedNode));
    return result;
  }
  if (shape === "list" && (Array.isArray(live) || live === undefined || live === null)) {
    return mergeLists(live ?? [], patch as unknown[], node);
  }
  return copyOf(patch);
}

/** Items of both lists: those that the configuration names in its order, the others where they were between them. */
function mergeLists(live: readonly unknown[], patch: readonly unknown[], node: SchemaNode): unknown[] {
  const item = node.item ?? deducedNode;
  const given = new Map(patch.map((entry) => [itemStep(node, entry), entry]));
  const there = new Map(live.map((entry) => [itemStep(node, entry), entry]));
  const shared = [...given.keys()].filter((step) => there.has(step));
  const [liveSteps, patchSteps] = [live.map((entry) => itemStep(node, entry)), [...given.keys()]];
  const done = new Set<string>();
  const result: unknown[] = [];
  let l = 0;
  let r = 0;
  const takeShared = (step: string): void => {
    if (shared[0] === step) shared.shift();
  };
  while (l < liveSteps.length || r < patchSteps.length) {
    const [left, right] = [liveSteps[l], patchSteps[r]];
    if (left !== undefined && right !== undefined) {
      if (left === right) {
        done.add(right);
        result.push(mergeValues(there.get(left), given.get(right), item));
        l++;
        r++;
        shared.shift();
        continue;
      }
      if (given.has(left) && shared[0] !== undefined && shared[0] !== left) {
        l++;
        continue;
      }
    }
    if (left !== undefined && !given.has(left)) {
      result.push(copyOf(live[l]));
      l++;
      continue;
    }
    if (left !== undefined && done.has(left)) l++;
    if (right !== undefined) {
      done.add(right);
      result.push(mergeValues(there.get(right), given.get(right), item));
      r++;
      takeShared(right);
    }
  }
  return result;
}

/** Takes out what the manager applied last time and nobody owns now. */
function prune(merged: JsonObject, managers: Managers, last: Manager | undefined, node: SchemaNode): JsonObject {
  if (!last?.set) return merged;
  const lastSet = withParents(last.set, node);
  const all = withParents(appliedSet(merged, node), node);
  const first = without(merged, lastSet, node) ?? {};

  // What others own comes back, and so does what is inside something that went but was never the manager's.
  let owned: FieldSet;
  for (const { set } of managers.values()) owned = union(owned, set);
  const kept = union(withParents(appliedSet(first, node), node), withParents(owned, node));
  const second = without(merged, difference(all, kept), node) ?? {};
  const gone = difference(all, withParents(appliedSet(second, node), node));
  return (without(merged, intersection(gone, lastSet), node) ?? {}) as JsonObject;
}

// ---- conflicts

class Conflicts extends Error {
  readonly byManager: readonly { readonly manager: Manager; readonly set: FieldSet }[];
  constructor(byManager: Conflicts["byManager"]) {
    super("conflicts");
    this.byManager = byManager;
  }

  toStatus(): StatusError {
    const conflicts = this.byManager.flatMap(({ manager, set }) =>
      pathsOf(set).map((path) => ({ path, manager: managerText(manager) })),
    );
    const causes = conflicts.map(({ path, manager }) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${manager}`,
      field: path,
    }));
    return new StatusError("Conflict", `Apply failed with ${conflictText(conflicts)}`, { causes });
  }
}

function conflictText(conflicts: readonly { path: string; manager: string }[]): string {
  const [first] = conflicts;
  if (conflicts.length === 1 && first) return `1 conflict: conflict with ${first.manager}: ${first.path}`;
  const lines = [...Map.groupBy(conflicts, ({ manager }) => manager)].flatMap(([manager, own]) => [
    `conflicts with ${manager}:`,
    ...own.map(({ path }) => `- ${path}`),
  ]);
  return `${conflicts.length} conflicts: ${lines.join("\n")}`;
}

function managerText({ entry: { manager, subresource, operation, apiVersion } }: Manager): string {
  const where = subresource ? ` with subresource ${JSON.stringify(subresource)}` : "";
  return `${JSON.stringify(manager)}${where}${operation === "Update" ? ` using ${apiVersion}` : ""}`;
}

function refuseConflicts(managers: Managers, id: string, taken: FieldSet): void {
  const byManager = [...managers]
    .filter(([other]) => other !== id)
    .map(([, manager]) => ({ manager, set: intersection(manager.set, taken) }))
    .filter(({ set }) => set !== undefined)
    .sort((a, b) => (idOf(a.manager.entry) < idOf(b.manager.entry) ? -1 : 1));
  if (byManager.length) throw new Conflicts(byManager);
}

// ---- kubectl's way from client-side to server-side apply

/** kubectl may take over the fields that it once applied from the client's side: the annotation says which. */
function mayTakeOver({ live, node, writer }: Application, { byManager }: Conflicts): boolean {
  if (writer.manager !== "kubectl" || !live) return false;
  const annotation = annotationsOf(live)[lastApplied];
  if (typeof annotation !== "string") return false;
  try {
    const allowed = appliedSet(JSON.parse(annotation), node);
    const sameAsLive = compare(JSON.parse(annotation), live, node).modified;
    return byManager.every(({ set }) => difference(set, difference(allowed, sameAsLive)) === undefined);
  } catch {
    return false;
  }
}

function renewLastApplied(object: JsonObject, live: JsonObject | undefined, patch: JsonObject, writer: Writer): void {
  const annotations = annotationsOf(object);
  if (writer.manager !== "kubectl" || !live || !(lastApplied in annotationsOf(live))) return;
  annotations[lastApplied] = `${goJson(patch, undefined)}\n`;
}

function annotationsOf(object: JsonObject): JsonObject {
  const metadata = isObject(object.metadata) ? object.metadata : {};
  return isObject(metadata.annotations) ? metadata.annotations : {};
}

// ---- what is wrong with a configuration

const wanted: Partial<Record<SchemaNode["sort"], readonly [type: string, name: string]>> = {
  string: ["string", "string"],
  bytes: ["string", "string"],
  time: ["string", "string"],
  microTime: ["string", "string"],
  duration: ["string", "string"],
  boolean: ["boolean", "boolean"],
  int32: ["number", "numeric (int or float)"],
  int64: ["number", "numeric (int or float)"],
  double: ["number", "numeric (int or float)"],
};

/** What does not fit the schema, in the words of Kubernetes' typed values. */
function typeErrors(value: unknown, node: SchemaNode, path: string): string[] {
  if (value === null || value === undefined) return [];
  const at = path ? `${path}: ` : "";
  if (node.sort === "list") {
    if (!Array.isArray(value)) return [`${at}expected list, got ${shown(value)}`];
    return [...duplicateErrors(value, node, at), ...value.flatMap((item, i) => itemErrors(item, i, node, path))];
  }
  if (node.sort === "object" || node.sort === "map") {
    if (!isObject(value)) return [`${at}expected map, got ${shown(value)}`];
    return Object.entries(value).flatMap(([key, child]) => {
      const below = childNode(node, key);
      const known = below !== undefined || (path === "" && ["apiVersion", "kind", "metadata"].includes(key));
      if (!known) return [`${path}.${key}: field not declared in schema`];
      return typeErrors(child, below ?? deducedNode, `${path}.${key}`);
    });
  }
  const scalar = wanted[node.sort];
  return scalar && typeof value !== scalar[0] ? [`${at}expected ${scalar[1]}, got ${shown(value)}`] : [];
}

function itemErrors(item: unknown, position: number, node: SchemaNode, path: string): string[] {
  const below = node.item ?? deducedNode;
  if (node.listType === "atomic") return typeErrors(item, below, `${path}[${position}]`);
  if (node.listType === "set") return typeErrors(item, below, `${path}[=${JSON.stringify(item)}]`);
  const missing = node.listKeys.find((key) => !(isObject(item) && key in item) && keyDefault(node, key) === undefined);
  if (missing !== undefined && isObject(item)) {
    const why = `associative list with keys has an element that omits key field ${JSON.stringify(missing)} (and doesn't have default value)`;
    return [`${path}: element ${position}: ${why}`];
  }
  return typeErrors(item, below, path + pathsOf({ [itemStep(node, item)]: {} })[0]);
}

function duplicateErrors(list: readonly unknown[], node: SchemaNode, at: string): string[] {
  if (node.listType === "atomic") return [];
  const seen = new Set<string>();
  return list.flatMap((item) => {
    const step = itemStep(node, item);
    if (!seen.has(step)) {
      seen.add(step);
      return [];
    }
    return [`${at}duplicate entries for key ${pathsOf({ [step]: {} })[0]}`];
  });
}

function shown(value: unknown): string {
  return `&{${goText(value)}}`;
}
