import type { AnyObject } from "../../api/object.ts";
import { among, grown } from "../../api/quota/amounts.ts";
import type { QuotaEvaluator } from "../../api/quota/evaluator.ts";
import { scopesOf } from "../../api/quota/scope.ts";
import type { ResourceQuota, ResourceQuotaStatus } from "../../api/schema/types.ts";

/** Objects of one kind in the quota's namespace. */
export interface Countable {
  readonly evaluator: QuotaEvaluator;
  readonly objects: readonly AnyObject[];
}

/** What the quota allows and how much of it is used; what nothing can use is left out of what is used. */
export function statusFrom(
  { spec }: ResourceQuota,
  countables: readonly Countable[],
  now: number,
): ResourceQuotaStatus {
  const { hard = {} } = spec ?? {};
  const scopes = scopesOf(spec ?? {});
  let used: Record<string, string> = {};
  for (const { evaluator, objects } of countables) {
    const names = Object.keys(hard).filter((name) => evaluator.counts(name));
    if (names.length === 0) continue;
    used = { ...used, ...Object.fromEntries(names.map((name) => [name, used[name] ?? "0"])) };
    for (const object of objects)
      if (scopes.every((scope) => evaluator.isIn(scope, object)))
        used = grown(used, among(evaluator.usage(object, now), names));
  }
  return { hard: { ...hard }, used };
}
