import { isDeepStrictEqual } from "node:util";
import type { ObjectMeta } from "../../api/object.ts";
import type { PodTemplateSpec } from "../../api/schema/types.ts";
import { shortHash } from "../short-hash.ts";

export const hashLabel = "pod-template-hash";

/** Whether two templates are the same but for the label that tells ReplicaSets apart. */
export function sameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

/** A short name for a template; another one after each collision. */
export function hashOf(template: PodTemplateSpec, collisions = 0): string {
  return shortHash([plain(template), ...(collisions > 0 ? [collisions] : [])]);
}

function plain({ metadata, spec }: PodTemplateSpec): object {
  const { labels = {}, ...rest }: Partial<ObjectMeta> = metadata ?? {};
  const { [hashLabel]: _, ...others } = labels;
  return { metadata: { ...rest, labels: others }, spec };
}
