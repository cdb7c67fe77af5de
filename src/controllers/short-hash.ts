import { createHash } from "node:crypto";

// Without vowels and look-alikes, so that no name spells a word; Kubernetes uses the same letters.
const letters = "bcdfghjklmnpqrstvwxz2456789";

/** A short name for a value, the same whatever the order of its fields. */
export function shortHash(value: unknown): string {
  const digest = createHash("sha256")
    .update(JSON.stringify(sorted(value)))
    .digest();
  return [...digest.subarray(0, 10)].map((byte) => letters[byte % letters.length]).join("");
}

/** The same value with the fields of every object in the order of their names. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, sorted(part)]),
  );
}
