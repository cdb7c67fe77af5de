import { isObject, sameValue } from "../patch/value.ts";
import type { JSONSchemaProps } from "../schema/types.ts";

/**
 * What a part of an object was before an update. Kubernetes forgives what was wrong already and did not change (Kubernetes docs,
 * "Validation ratcheting").
 */
export interface Before {
  /** The old value at this place; undefined where there was none, or where it cannot be told which one it was. */
  readonly value: unknown;
  /** Whether the value is as it was, or lies inside something that is. */
  readonly isSame: boolean;
}

/** Of a new object nothing was there before. */
export const nothingBefore: Before = { value: undefined, isSame: false };

export function beforeOf(value: unknown, old: unknown): Before {
  return { value: old, isSame: sameValue(value, old) };
}

/** What was before at a field or a key of a map. */
export function beforeField(before: Before, name: string, value: unknown): Before {
  const { value: old } = before;
  if (!isObject(old)) return inside(before);
  const own = old[name];
  return own === undefined ? inside(before) : beforeOf(value, own);
}

/** What was before at an item of a list; only items with keys are known again at another position. */
export function beforeItem(schema: JSONSchemaProps, before: Before, item: unknown): Before {
  const { value: old } = before;
  if (schema["x-kubernetes-list-type"] !== "map" || !Array.isArray(old)) return inside(before);
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const keyOf = (of: unknown, key: string): unknown => (of as Record<string, unknown> | null)?.[key];
  const own = old.find((other) => keys.every((key) => sameValue(keyOf(other, key), keyOf(item, key))));
  return own === undefined ? inside(before) : beforeOf(item, own);
}

function inside({ isSame }: Before): Before {
  return { value: undefined, isSame };
}
