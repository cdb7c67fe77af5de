import { CelError, compareValues, Duration, isEqual, type ListValue, Uint, type Value } from "../values.ts";
import { checkedInt, checkedUint } from "./operators.ts";
import { type Overload, overload } from "./overload.ts";

function isSorted({ items }: ListValue): boolean {
  return items.every((item, i) => i === 0 || (compareValues(items[i - 1] ?? null, item) ?? 0) <= 0);
}

function extreme(name: string, { items }: ListValue, sign: 1 | -1): Value {
  const [first] = items;
  if (first === undefined) throw new CelError(`${name} called on empty list`);
  return items.reduce((best, item) => ((compareValues(item, best) ?? 0) * sign > 0 ? item : best), first);
}

const added = {
  int: ({ items }: ListValue): Value => items.reduce<bigint>((sum, item) => checkedInt(sum + (item as bigint)), 0n),
  uint: ({ items }: ListValue): Value =>
    items.reduce<Uint>((sum, item) => checkedUint(sum.value + (item as Uint).value), new Uint(0n)),
  double: ({ items }: ListValue): Value => items.reduce<number>((sum, item) => sum + (item as number), 0),
  duration: ({ items }: ListValue): Value =>
    new Duration(items.reduce<bigint>((sum, item) => checkedInt(sum + (item as Duration).nanos), 0n)),
};

const ordered = ["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"];

/** Kubernetes docs, "Common Expression Language in Kubernetes", section "Kubernetes list library". */
export const lists: Overload[] = [
  ...ordered.flatMap((type) => [
    overload(`list_${type}_is_sorted_bool`, `(list(${type})).isSorted(): bool`, isSorted),
    overload(`list_${type}_min_${type}`, `(list(${type})).min(): ${type}`, (list: ListValue) =>
      extreme("min", list, -1),
    ),
    overload(`list_${type}_max_${type}`, `(list(${type})).max(): ${type}`, (list: ListValue) =>
      extreme("max", list, 1),
    ),
  ]),
  ...Object.entries(added).map(([type, sum]) =>
    overload(`list_${type}_sum_${type}`, `(list(${type})).sum(): ${type}`, sum),
  ),
  overload("list_a_index_of_int", "(list(A)).indexOf(A): int", ({ items }: ListValue, item: Value) =>
    BigInt(items.findIndex((other) => isEqual(item, other))),
  ),
  overload("list_a_last_index_of_int", "(list(A)).lastIndexOf(A): int", ({ items }: ListValue, item: Value) =>
    BigInt(items.findLastIndex((other) => isEqual(item, other))),
  ),
];

function isIn(item: Value, { items }: ListValue): boolean {
  return items.some((other) => isEqual(item, other));
}

export const sets: Overload[] = [
  overload("list_sets_contains_list", "sets.contains(list(A), list(A)): bool", (a: ListValue, b: ListValue) =>
    b.items.every((item) => isIn(item, a)),
  ),
  overload(
    "list_sets_equivalent_list",
    "sets.equivalent(list(A), list(A)): bool",
    (a: ListValue, b: ListValue) => a.items.every((item) => isIn(item, b)) && b.items.every((item) => isIn(item, a)),
  ),
  overload("list_sets_intersects_list", "sets.intersects(list(A), list(A)): bool", (a: ListValue, b: ListValue) =>
    a.items.some((item) => isIn(item, b)),
  ),
];
