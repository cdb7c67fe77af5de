import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { ObjectMeta } from "../../api/object.ts";
import type { PodTemplateSpec } from "../../api/schema/types.ts";

export const hashLabel = "pod-template-hash";

/** Whether two templates are the same but for the label that tells ReplicaSets apart. */
export function sameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

// Without vowels and look-alikes, so that no name spells a word; Kubernetes uses the same letters.
const letters = "bcdfghjklmnpqrstvwxz2456789";

/** A short name for a template; another one after each collision. */
export function hashOf(template: PodTemplateSpec, collisions = 0): string {
  const text = JSON.stringify([sorted(plain(template)), ...(collisions > 0 ? [collisions] : [])]);
  const digest = createHash("sha256").update(text).digest();
  return [...digest.subarray(0, 10)].map((byte) => letters[byte % letters.length]).join("");
}

function plain({ metadata, spec }: PodTemplateSpec): object {
  const { labels = {}, ...rest }: Partial<ObjectMeta> = metadata ?? {};
  const { [hashLabel]: _, ...others } = labels;
  return { metadata: { ...rest, labels: others }, spec };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, sorted(part)]),
  );
}
