/** A copy in which no field is null: Go leaves a field at its zero where JSON says null. Nulls in lists stay. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const set = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(set.map(([name, field]) => [name, withoutNulls(field)]));
}
