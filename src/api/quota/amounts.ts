import type { ResourceList } from "../pod-resources.ts";
import { addQuantities, compareQuantities, formatQuantity, signOf, subtractQuantities } from "../quantity.ts";

/** What more an object uses than before, without what stays the same. */
export function growth(now: ResourceList, before: ResourceList): ResourceList {
  const names = new Set([...Object.keys(now), ...Object.keys(before)]);
  const differences = [...names].map(
    (name) => [name, formatQuantity(subtractQuantities(now[name] ?? "0", before[name] ?? "0"))] as const,
  );
  return Object.fromEntries(differences.filter(([, amount]) => signOf(amount) !== 0));
}

/** What is used when `more` comes to it. */
export function grown(used: ResourceList, more: ResourceList): Record<string, string> {
  const sum: Record<string, string> = { ...used };
  for (const [name, amount] of Object.entries(more))
    sum[name] = formatQuantity(addQuantities(used[name] ?? "0", amount));
  return sum;
}

/** Only what has one of these names. */
export function among(list: ResourceList, names: readonly string[]): ResourceList {
  return Object.fromEntries(Object.entries(list).filter(([name]) => names.includes(name)));
}

/** The names of what is more than there may be. */
export function namesAbove(used: ResourceList, hard: ResourceList): string[] {
  return Object.entries(used)
    .filter(([name, amount]) => hard[name] !== undefined && compareQuantities(amount, hard[name]) > 0)
    .map(([name]) => name);
}

/** "pods=1,requests.cpu=500m" */
export function amountsText(list: ResourceList): string {
  return Object.entries(list)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, amount]) => `${name}=${amount}`)
    .join(",");
}
