import type { ResourceQuotaSpec, ScopedResourceSelectorRequirement } from "../schema/types.ts";

/** All that an object must be for a quota to count it. */
export function scopesOf({ scopes = [], scopeSelector }: ResourceQuotaSpec): ScopedResourceSelectorRequirement[] {
  return [
    ...(scopeSelector?.matchExpressions ?? []),
    ...scopes.map((scopeName) => ({ scopeName, operator: "Exists" })),
  ];
}

/** Whether the names (of classes) that an object has are those that a scope asks for. */
export function isAmong(
  { operator, values = [] }: ScopedResourceSelectorRequirement,
  names: readonly string[],
): boolean {
  const isListed = names.some((name) => values.includes(name));
  switch (operator) {
    case "Exists":
      return names.length > 0;
    case "DoesNotExist":
      return names.length === 0;
    case "In":
      return isListed;
    case "NotIn":
      return !isListed;
    default:
      return false;
  }
}
