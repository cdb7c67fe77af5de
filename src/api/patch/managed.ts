import type { FieldsV1, ManagedFieldsEntry } from "../object.ts";
import { complete } from "../schema/complete.ts";
import type { SchemaNode } from "../schema/node.ts";
import { type Comparison, compare, difference, differenceBelow, type FieldSet, setFrom, union } from "./fields.ts";
import { areReadable } from "./sent-entries.ts";
import { isObject, type JsonObject } from "./value.ts";

/** Who writes, and how: what an entry of managedFields says. */
export interface Writer {
  /** "unknown" where the client named none and sent no user agent. */
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource?: string | undefined;
  /** RFC 3339, in seconds. */
  readonly now: string;
  /** Fields that this request cannot change, so that it owns none of them: ["status"] for most, ["spec"] for "status". */
  readonly ignored?: readonly (readonly string[])[] | undefined;
  /** The versions in which such objects are served; absent: what other versions say of fields is believed as well. */
  readonly versions?: ReadonlySet<string> | undefined;
}

/** An object's managers; the order of entries is that of the wire only when they are written. */
export type Managers = Map<string, Manager>;
export interface Manager {
  readonly entry: Omit<ManagedFieldsEntry, "fieldsV1" | "time">;
  readonly set: FieldSet;
  readonly time: string | undefined;
}

const maxUpdaters = 10;
const ancient = "ancient-changes";

/** Fields of metadata that the server writes, and those that name the object: nobody owns them. */
const unowned: FieldSet = setFrom([
  ["apiVersion"],
  ["kind"],
  ["metadata"],
  ...[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
  ].map((field) => ["metadata", field]),
]);

/**
 * Keeps managedFields of a create, update or patch (not apply): fields that this write changed go to its manager.
 * `live` is the object as stored, undefined at creation; `object` is what will be stored, complete (schema/complete.ts);
 * its managedFields as the client sent them are replaced.
 */
export function trackUpdate(live: JsonObject | undefined, object: JsonObject, node: SchemaNode, writer: Writer): void {
  const sent = managedFieldsOf(object);
  const isCleared = !writer.subresource && isReset(sent);
  const isTaken = sent.length > 0 && !writer.subresource && areReadable(sent);
  const managers = managersFrom(isCleared ? [] : isTaken ? sent : managedFieldsOf(live));
  setManagedFields(object, []);
  // Objects that were stored without managers, or whose managers were cleared, stay so until somebody applies.
  if (live && managers.size === 0) return;
  dropUnserved(managers, writer);
  const changed = ignoring(compare(live ?? emptyObject(node), object, node), writer.ignored);
  if (managers.size > 0) yieldFields(managers, undefined, changed);
  const owned = difference(union(changed.added, changed.modified), unowned);
  if (owned) take(managers, { entry: updateEntry(writer), set: owned, time: writer.now });
  capUpdaters(managers);
  setManagedFields(object, entriesFrom(managers));
}

/** Replaces what an apply left unsaid: every field there is belongs to whoever wrote before managers were kept. */
export function beforeFirstApply(live: JsonObject, node: SchemaNode, { apiVersion, now, ignored }: Writer): Managers {
  const set = difference(ignoring(compare(emptyObject(node), live, node), ignored).added, unowned);
  const managers: Managers = new Map();
  if (set) take(managers, { entry: updateEntry({ manager: "before-first-apply", apiVersion, now }), set, time: now });
  return managers;
}

const ignoredSets = new WeakMap<object, FieldSet>();

/** Leaves out of a comparison what a request cannot change. */
export function ignoring(changed: Comparison, ignored: Writer["ignored"]): Comparison {
  if (!ignored?.length) return changed;
  const set = ignoredSets.get(ignored) ?? setFrom(ignored);
  ignoredSets.set(ignored, set);
  return {
    added: differenceBelow(changed.added, set),
    modified: differenceBelow(changed.modified, set),
    removed: differenceBelow(changed.removed, set),
  };
}

/** Forgets those who wrote in versions that are no longer served: nobody can say which fields they meant. */
export function dropUnserved(managers: Managers, { versions }: Writer): boolean {
  const before = managers.size;
  if (versions) for (const [id, { entry }] of managers) if (!versions.has(entry.apiVersion ?? "")) managers.delete(id);
  return managers.size < before;
}

/** Takes from all managers but one what was changed or removed; those who own nothing any more are forgotten. */
export function yieldFields(managers: Managers, except: string | undefined, changed: Comparison): void {
  const gone = union(union(changed.added, changed.modified), changed.removed);
  for (const [id, manager] of managers) {
    const set = id === except ? manager.set : difference(manager.set, gone);
    if (!set) managers.delete(id);
    else if (set !== manager.set) managers.set(id, { ...manager, set });
  }
}

export function withoutUnowned(set: FieldSet): FieldSet {
  return difference(set, unowned);
}

function take(managers: Managers, manager: Manager): void {
  const id = idOf(manager.entry);
  const before = managers.get(id);
  managers.set(id, before ? { ...manager, set: union(manager.set, before.set) } : manager);
}

function updateEntry({ manager, apiVersion, subresource }: Writer): Manager["entry"] {
  return { manager, operation: "Update", apiVersion, fieldsType: "FieldsV1", ...(subresource && { subresource }) };
}

export function applyEntry({ manager, apiVersion, subresource }: Writer): Manager["entry"] {
  return { manager, operation: "Apply", apiVersion, fieldsType: "FieldsV1", ...(subresource && { subresource }) };
}

/** One who applies is the same in every version; one who updates is another in each. */
export function idOf({ manager, operation, apiVersion, subresource }: Manager["entry"]): string {
  return JSON.stringify([operation, manager, operation === "Apply" ? "" : apiVersion, subresource ?? ""]);
}

/** More than ten updaters: the oldest of a version become one. */
function capUpdaters(managers: Managers): void {
  if (managers.size <= maxUpdaters) return;
  const updaters = [...managers].filter(([, { entry }]) => entry.operation === "Update");
  if (updaters.length <= maxUpdaters) return;
  const seconds = ({ time }: Manager): number => (time ? Math.floor(Date.parse(time) / 1000) : 0);
  updaters.sort(([a, left], [b, right]) => seconds(left) - seconds(right) || (a < b ? -1 : 1));
  const firsts = new Map<string, string>();
  let count = updaters.length;
  for (const [id, manager] of updaters) {
    if (count <= maxUpdaters) return;
    const version = manager.entry.apiVersion ?? "";
    const first = firsts.get(version);
    if (first === undefined) {
      firsts.set(version, id);
      continue;
    }
    const entry: Manager["entry"] = {
      manager: ancient,
      operation: "Update",
      apiVersion: version,
      fieldsType: "FieldsV1",
    };
    const bucket = managers.get(idOf(entry)) ?? managers.get(first);
    managers.delete(first);
    managers.delete(id);
    managers.set(idOf(entry), { entry, set: union(manager.set, bucket?.set), time: manager.time });
    count--;
  }
}

// ---- the wire form

export function managedFieldsOf(object: JsonObject | undefined): ManagedFieldsEntry[] {
  const metadata = object?.metadata;
  const entries = isObject(metadata) ? metadata.managedFields : undefined;
  return Array.isArray(entries) ? entries : [];
}

export function setManagedFields(object: JsonObject, entries: readonly ManagedFieldsEntry[]): void {
  const { metadata } = object;
  if (!isObject(metadata)) return;
  if (entries.length) metadata.managedFields = entries;
  else delete metadata.managedFields;
}

/** An empty list of managers says that there are none. Decoding drops empty lists: what it says is kept in its other form. */
export function keepReset(object: unknown): void {
  if (!isObject(object) || !isObject(object.metadata)) return;
  const { managedFields } = object.metadata;
  if (Array.isArray(managedFields) && managedFields.length === 0) object.metadata.managedFields = [{}];
}

/** Clients clear managedFields by sending one empty entry, or none (Kubernetes docs, "Server-Side Apply", section "Clearing managedFields"). */
function isReset(entries: readonly ManagedFieldsEntry[]): boolean {
  const [first] = entries;
  return entries.length === 1 && first !== undefined && !first.manager && !first.operation && !first.apiVersion;
}

export function managersFrom(entries: readonly ManagedFieldsEntry[]): Managers {
  const managers: Managers = new Map();
  for (const { fieldsV1, time, ...entry } of entries) {
    managers.set(idOf(entry), { entry, set: fieldsV1, time });
  }
  return managers;
}

export function entriesFrom(managers: Managers): ManagedFieldsEntry[] {
  const sortKey = ({ operation, time, manager, apiVersion, subresource }: ManagedFieldsEntry): string =>
    [operation, time ?? "", manager, apiVersion, subresource ?? ""].join("\u0000");
  return [...managers.values()]
    .map(({ entry: { manager, operation, apiVersion, fieldsType, subresource }, set, time }) => ({
      ...(manager && { manager }),
      ...(operation && { operation }),
      ...(apiVersion && { apiVersion }),
      ...(time && { time }),
      ...(fieldsType && { fieldsType }),
      fieldsV1: (set ?? {}) as FieldsV1,
      ...(subresource && { subresource }),
    }))
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

const empties = new WeakMap<SchemaNode, JsonObject>();

/** What an object of the type looks like before anything was said: structs that are no pointers are there already. */
export function emptyObject(node: SchemaNode): JsonObject {
  let empty = empties.get(node);
  if (!empty) {
    empty = {};
    complete(empty, node);
    empties.set(node, empty);
  }
  return empty;
}
