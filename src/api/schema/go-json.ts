import type { SchemaNode } from "./node.ts";

type JsonObject = Record<string, unknown>;

/**
 * A value as Go writes it: the fields of a struct in the order of their declaration, maps and field sets by their keys.
 * `opened`: the parts that a patch looked into, by their keys; those have been maps on their way and come sorted.
 */
export function goJson(value: unknown, node: SchemaNode | undefined, opened?: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inOpened = (key: string | number): unknown =>
    typeof opened === "object" && opened !== null ? (opened as JsonObject)[key] : undefined;
  if (Array.isArray(value)) return `[${value.map((item, i) => goJson(item, node?.item, inOpened(i))).join(",")}]`;
  if (node?.sort === "fieldsV1") return fieldSetJson(value);
  const object = value as JsonObject;
  const fields = Object.keys(object)
    .filter((key) => object[key] !== undefined)
    .sort(isOpened(opened) || !node?.fields.size ? byText : byDeclaration(node))
    .map((key) => `${JSON.stringify(key)}:${goJson(object[key], node && nodeBelow(node, key), inOpened(key))}`);
  return `{${fields.join(",")}}`;
}

function isOpened(opened: unknown): boolean {
  return typeof opened === "object" && opened !== null;
}

function nodeBelow(node: SchemaNode, key: string): SchemaNode | undefined {
  return node.fields.get(key)?.node ?? node.item;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function byDeclaration(node: SchemaNode): (a: string, b: string) => number {
  return (a, b) => placeOf(node, a) - placeOf(node, b) || byText(a, b);
}

/** Fields have their protobuf numbers in the order in which they were declared; what says an object's type has none. */
export function placeOf({ fields, goType }: SchemaNode, key: string): number {
  return (
    insertedFields[goType]?.[key] ??
    (fields.get(key)?.number || (key === "kind" ? -2 : key === "apiVersion" ? -1 : Number.MAX_SAFE_INTEGER))
  );
}

/** Fields that came later and were put among the older ones: where they stand. */
const insertedFields: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "v1.PodSpec": { initContainers: 1.1, ephemeralContainers: 2.1, shareProcessNamespace: 13.1 },
  "v1.Container": {
    envFrom: 6.1,
    resizePolicy: 8.1,
    restartPolicy: 8.2,
    restartPolicyRules: 8.3,
    volumeDevices: 9.1,
    startupProbe: 11.1,
    terminationMessagePolicy: 13.1,
  },
  "v1.ServiceSpec": { clusterIPs: 3.1 },
  "v1.APIResource": { singularName: 1.1 },
  "v1.OwnerReference": { apiVersion: 0.1 },
};

/** A set of fields, its steps in order: items of lists by the values of their keys, numbers as numbers. */
export function fieldSetJson(value: unknown): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return JSON.stringify(value);
  const object = value as JsonObject;
  const keys = Object.keys(object).sort(compareSteps);
  return `{${keys.map((key) => `${JSON.stringify(key)}:${fieldSetJson(object[key])}`).join(",")}}`;
}

function compareSteps(a: string, b: string): number {
  if (!a.startsWith("k:") || !b.startsWith("k:")) return a < b ? -1 : 1;
  const [left, right] = [Object.entries(JSON.parse(a.slice(2))), Object.entries(JSON.parse(b.slice(2)))];
  for (const [i, [key, value]] of left.entries()) {
    const [otherKey, other] = right[i] ?? [];
    if (otherKey === undefined || key > otherKey) return 1;
    if (key < otherKey) return -1;
    if (value !== other) return (value as string) < (other as string) ? -1 : 1;
  }
  return -1;
}
