import { describe, expect, test } from "vitest";
import type { ManagedFieldsEntry } from "../object.ts";
import { complete } from "../schema/complete.ts";
import { decodeValue } from "../schema/decode.ts";
import { typeNode } from "../schema/table.ts";
import { isReason, type StatusError } from "../status.ts";
import { applyPatch } from "./apply.ts";
import { managedFieldsOf, trackUpdate } from "./managed.ts";
import type { JsonObject } from "./value.ts";

const configMap = typeNode("io.k8s.api.core.v1.ConfigMap");
const deployment = typeNode("io.k8s.api.apps.v1.Deployment");
const now = "2026-01-01T00:00:00Z";
const later = "2026-01-01T00:01:00Z";

function config(data: JsonObject | undefined, metadata: JsonObject = {}): JsonObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", ...metadata }, ...(data && { data }) };
}

function apply(
  live: JsonObject | undefined,
  patch: JsonObject,
  manager: string,
  { force = false, node = configMap, at = now } = {},
): JsonObject {
  const writer = { manager, apiVersion: String(patch.apiVersion), now: at };
  const { object } = decodeValue(applyPatch({ live, patch, node, force, writer }), node);
  complete(object, node);
  return object;
}

function update(
  live: JsonObject | undefined,
  object: JsonObject,
  manager: string,
  at = now,
  node = configMap,
): JsonObject {
  const result = structuredClone(object);
  complete(result, node);
  trackUpdate(live, result, node, { manager, apiVersion: String(object.apiVersion), now: at });
  return result;
}

/** Who owns what, short: "one Apply" → its set. */
function owners(object: JsonObject): Record<string, unknown> {
  return Object.fromEntries(
    managedFieldsOf(object).map(({ manager, operation, fieldsV1 }: ManagedFieldsEntry) => [
      `${manager} ${operation}`,
      fieldsV1,
    ]),
  );
}

describe("server-side apply", () => {
  const first = apply(undefined, config({ x: "1", y: "1" }), "one");

  test("who applies a field owns it", () => {
    expect(owners(first)).toEqual({ "one Apply": { "f:data": { "f:x": {}, "f:y": {} } } });
    const second = apply(first, config({ z: "2" }), "two");
    expect(second.data).toEqual({ x: "1", y: "1", z: "2" });
    expect(owners(second)["two Apply"]).toEqual({ "f:data": { "f:z": {} } });
  });

  test("a field with another value is a conflict, with the same it is shared", () => {
    expect(() => apply(first, config({ x: "other" }), "two")).toThrow(
      'Apply failed with 1 conflict: conflict with "one": .data.x',
    );
    const shared = apply(first, config({ x: "1" }), "two");
    expect(owners(shared)).toEqual({
      "one Apply": { "f:data": { "f:x": {}, "f:y": {} } },
      "two Apply": { "f:data": { "f:x": {} } },
    });
  });

  test("several conflicts are told by manager", () => {
    const patched = update(first, { ...first, data: { x: "1", y: "1", z: "by update" } }, "upd");
    try {
      apply(patched, config({ x: "5", z: "6" }), "four");
      expect.unreachable();
    } catch (error) {
      expect(isReason(error, "Conflict")).toBe(true);
      const { message, details } = error as StatusError;
      expect(message).toBe(
        'Apply failed with 2 conflicts: conflicts with "one":\n- .data.x\nconflicts with "upd" using v1:\n- .data.z',
      );
      expect(details?.causes?.[1]).toEqual({
        reason: "FieldManagerConflict",
        message: 'conflict with "upd" using v1',
        field: ".data.z",
      });
    }
  });

  test("force takes the field away", () => {
    const forced = apply(first, config({ x: "new" }), "two", { force: true });
    expect(forced.data).toEqual({ x: "new", y: "1" });
    expect(owners(forced)).toEqual({
      "one Apply": { "f:data": { "f:y": {} } },
      "two Apply": { "f:data": { "f:x": {} } },
    });
  });

  test("a field that is applied no longer goes, unless another owns it", () => {
    expect(apply(first, config({ y: "1" }), "one").data).toEqual({ y: "1" });
    const shared = apply(first, config({ x: "1" }), "two");
    expect(apply(shared, config({ y: "1" }), "one").data).toEqual({ x: "1", y: "1" });
    expect(apply(first, config(undefined), "one").data).toBeUndefined();
    expect(apply(first, config(undefined), "one").metadata).toMatchObject({ name: "a" });
  });

  test("applying the same again changes nothing, times included", () => {
    expect(apply(first, config({ x: "1", y: "1" }), "one", { at: later })).toEqual(first);
  });

  test("sets of plain values are owned by value", () => {
    const a = apply(undefined, config({}, { finalizers: ["example.com/a"] }), "one");
    const both = apply(a, config(undefined, { finalizers: ["example.com/b"] }), "two");
    expect(both.metadata).toMatchObject({ finalizers: ["example.com/a", "example.com/b"] });
    const left = apply(both, config({}), "one");
    expect(left.metadata).toMatchObject({ finalizers: ["example.com/b"] });
  });

  const container = (fields: JsonObject): JsonObject => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d" },
    spec: {
      selector: { matchLabels: { app: "a" } },
      template: { spec: { containers: [{ name: "main", ...fields }] } },
    },
  });

  test("items of lists are named by their keys, defaults among them", () => {
    const object = apply(undefined, container({ ports: [{ containerPort: 80 }] }), "one", { node: deployment });
    expect(JSON.stringify(owners(object))).toContain('k:{\\"containerPort\\":80,\\"protocol\\":\\"TCP\\"}');
    const env = apply(object, container({ env: [{ name: "A", value: "1" }] }), "two", { node: deployment });
    expect(() => apply(env, container({ env: [{ name: "A", value: "2" }] }), "three", { node: deployment })).toThrow(
      '.spec.template.spec.containers[name="main"].env[name="A"].value',
    );
  });

  test("keeps the order of a list where the configuration says none", () => {
    const two = container({});
    (two.spec as { template: { spec: { containers: object[] } } }).template.spec.containers.push({ name: "side" });
    const object = apply(undefined, two, "one", { node: deployment });
    const merged = apply(object, container({ image: "x" }), "two", { node: deployment });
    expect(merged).toMatchObject({
      spec: { template: { spec: { containers: [{ name: "main", image: "x" }, { name: "side" }] } } },
    });
  });

  test.each([
    [{ ...config({}), bogus: 1 }, ".bogus: field not declared in schema"],
    [{ ...config(undefined), data: "text" }, ".data: expected map, got &{text}"],
    [config({}, { finalizers: ["b", "b"] }), '.metadata.finalizers: duplicate entries for key [="b"]'],
  ])("refuses %j", (patch, why) => {
    expect(() => apply(undefined, patch, "m")).toThrow(
      `failed to create typed patch object (/a; v1, Kind=ConfigMap): ${why}`.replace("; v1", "; /v1"),
    );
  });

  test("what was there before anybody applied belongs to before-first-apply", () => {
    const old = config({ x: "1" });
    const object = apply(old, config({ y: "1" }), "one");
    expect(Object.keys(owners(object)).sort()).toEqual(["before-first-apply Update", "one Apply"]);
  });

  test("what it made can be decoded again: nothing in it is anyone else's to write", () => {
    const live = update(undefined, config({ x: "1" }, { labels: { a: "1" } }), "creator");
    const object = apply(live, config({ y: "1" }), "one");
    expect(Object.keys(owners(decodeValue(structuredClone(object), configMap).object))).toHaveLength(2);
  });

  test("kubectl takes over what it applied from the client's side", () => {
    const patch = config({ x: "1" });
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(patch) };
    const live = update(undefined, config({ x: "1" }, { annotations }), "kubectl-client-side-apply");
    expect(apply(live, config({ x: "2" }), "kubectl").data).toEqual({ x: "2" });
    expect(() => apply(live, config({ x: "2" }), "other")).toThrow("Apply failed");
  });
});

describe("managed fields of updates", () => {
  const made = update(undefined, config({ x: "1" }, { labels: { a: "1" } }), "creator");

  test("a creator owns what it set, parents of what was not there included", () => {
    expect(owners(made)).toEqual({
      "creator Update": {
        "f:data": { ".": {}, "f:x": {} },
        "f:metadata": { "f:labels": { ".": {}, "f:a": {} } },
      },
    });
  });

  test("a changed field goes to who changed it; a removed one to nobody", () => {
    const changed = update(made, { ...made, data: { x: "2" } }, "other", later);
    expect(owners(changed)).toEqual({
      "creator Update": { "f:data": {}, "f:metadata": { "f:labels": { ".": {}, "f:a": {} } } },
      "other Update": { "f:data": { "f:x": {} } },
    });
    const removed = update(changed, config(undefined), "third", later);
    expect(owners(removed)).toEqual({});
  });

  test("a write that changes nothing leaves the times", () => {
    expect(update(made, made, "other", later)).toEqual(made);
  });

  test("fields that the request cannot change are nobody's", () => {
    const object = { ...config({ x: "1" }), data: { x: "2", y: "1" } };
    trackUpdate(undefined, object, configMap, { manager: "m", apiVersion: "v1", now, ignored: [["data"]] });
    expect(managedFieldsOf(object)).toEqual([]);
  });

  const withEntries = (entry: object): JsonObject => {
    const sent = { manager: "x", operation: "Update", apiVersion: "v1", fieldsType: "FieldsV1" };
    const managedFields = [{ ...sent, fieldsV1: { "f:data": { "f:x": {} } }, ...entry }];
    return { ...made, metadata: { ...(made.metadata as object), managedFields } };
  };

  test("one empty entry clears managedFields", () => {
    const cleared = update(made, { ...made, metadata: { ...(made.metadata as object), managedFields: [{}] } }, "other");
    expect(managedFieldsOf(cleared)).toEqual([]);
  });

  test("entries that a client sends replace those that are kept", () => {
    expect(owners(update(made, withEntries({}), "other"))).toEqual({ "x Update": { "f:data": { "f:x": {} } } });
  });

  test.each<[what: string, entry: object]>([
    ["no operation", { operation: "Bogus" }],
    ["no version", { apiVersion: "" }],
    ["another format", { fieldsType: "FieldsV2" }],
    ["no field", { fieldsV1: { data: {} } }],
    ["no item of a list", { fieldsV1: { "f:data": { "k:[]": {} } } }],
  ])("entries that cannot be read change nothing: %s", (_, entry) => {
    expect(update(made, withEntries(entry), "other")).toEqual(made);
  });

  test("more than ten updaters are joined into ancient-changes", () => {
    let object: JsonObject = update(undefined, config({ k0: "0" }), "m0");
    for (let i = 1; i < 14; i++) {
      const data = { ...(object.data as object), [`k${i}`]: "1" };
      object = update(object, { ...object, data }, `m${i}`, `2026-01-01T00:00:${10 + i}Z`);
    }
    const names = managedFieldsOf(object).map(({ manager }) => manager);
    expect(names).toHaveLength(10);
    expect(names).toContain("ancient-changes");
    expect(names).toContain("m13");
  });
});

describe("managers of versions that are not served", () => {
  const versions = new Set(["v1"]);
  const entry = (manager: string, operation: string, apiVersion: string) => ({
    manager,
    operation,
    apiVersion,
    time: now,
    fieldsType: "FieldsV1",
    fieldsV1: { "f:data": { "f:x": {} } },
  });
  const held = (...managedFields: object[]): JsonObject => config({ x: "1" }, { managedFields });
  const old = entry("old", "Update", "v1alpha1");
  const known = entry("known", "Update", "v1");

  test("are forgotten when somebody updates", () => {
    const object = held(old, known);
    trackUpdate(held(old, known), object, configMap, { manager: "m", apiVersion: "v1", now: later, versions });
    expect(Object.keys(owners(object))).toEqual(["known Update"]);
  });

  test("are forgotten when somebody applies what is there already, and are in nobody's way", () => {
    const writer = { manager: "m", apiVersion: "v1", now: later, versions };
    const patch = config({ x: "1" });
    const same = applyPatch({ live: held(old), patch, node: configMap, force: false, writer });
    expect(Object.keys(owners(same))).toEqual(["m Apply"]);
    const other = applyPatch({ live: held(old), patch: config({ x: "2" }), node: configMap, force: false, writer });
    expect(other.data).toEqual({ x: "2" });
  });

  test("take nothing out when they apply less than then", () => {
    const writer = { manager: "old", apiVersion: "v1", now: later, versions };
    const live = held(entry("old", "Apply", "v1alpha1"));
    const applied = applyPatch({ live, patch: config({ y: "1" }), node: configMap, force: false, writer });
    expect(applied.data).toEqual({ x: "1", y: "1" });
  });
});

test("who clears the managers and changes something owns nothing by that", () => {
  const live = update(undefined, config({ x: "1" }), "one");
  const object = config({ x: "2" }, { managedFields: [{}] });
  trackUpdate(live, object, configMap, { manager: "two", apiVersion: "v1", now: later });
  expect(managedFieldsOf(object)).toEqual([]);
});
