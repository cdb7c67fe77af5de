import { isDeepStrictEqual } from "node:util";
import type { Kind } from "../../api/kind.ts";
import { resourceQuota } from "../../api/kinds/core/resource-quota.ts";
import { type AnyObject, isLeaving, type KubeObject, keyOf } from "../../api/object.ts";
import { type QuotaEvaluator, quotaEvaluatorOf } from "../../api/quota/evaluator.ts";
import type { ResourceQuota } from "../../api/schema/types.ts";
import { carryOut } from "../../client/carry-out.ts";
import { defineController, settled, type Watched } from "../../client/controller.ts";
import { deletableKinds } from "../resources.ts";
import { type Countable, statusFrom } from "./decide.ts";

/** The API server charges quotas before it writes; what it has charged should be here before it is counted again. */
const gatheringMs = 1000;

interface Counted {
  readonly kind: Kind;
  readonly evaluator: QuotaEvaluator;
}

const counted: readonly Counted[] = deletableKinds
  .filter(({ scope }) => scope === "Namespaced")
  .flatMap((kind) => {
    const evaluator = quotaEvaluatorOf(kind.group ? `${kind.plural}.${kind.group}` : kind.plural);
    return evaluator ? [{ kind, evaluator }] : [];
  });

/** Says how much of a quota is used: the API server adds to it, here it is found out what has been given back. */
export const resourceQuotaController = defineController<ResourceQuota>({
  name: "resourcequota",
  reconciles: resourceQuota,
  gatherMs: ({ before, after }) => (before && isDeepStrictEqual(before.spec, after?.spec) ? gatheringMs : 0),
  watches: counted.map(watchOf),

  async reconcile(key, { cache, client, now }) {
    const object = cache.get(resourceQuota, key);
    if (!object || isLeaving(object)) return settled;
    const names = Object.keys(object.spec?.hard ?? {});
    const countables: Countable[] = counted
      .filter(({ evaluator }) => names.some((name) => evaluator.counts(name)))
      .map(({ kind, evaluator }) => ({ evaluator, objects: cache.list(kind, key.namespace) as readonly AnyObject[] }));
    const status = statusFrom(object, countables, now);
    if (!isDeepStrictEqual(status, object.status))
      await carryOut(cache, [() => client.updateStatus(resourceQuota, { ...object, status })]);
    return settled;
  },
});

function watchOf({ kind, evaluator }: Counted): Watched {
  const concerns = ({ spec }: ResourceQuota): boolean =>
    Object.keys(spec?.hard ?? {}).some((name) => evaluator.counts(name));
  return {
    kind,
    // Where only the number counts, what is in the objects need not be held.
    ...(!evaluator.changes && { query: { keeps: "identity" } }),
    keys: ({ metadata }: KubeObject, cache) =>
      cache.list(resourceQuota, metadata.namespace).filter(concerns).map(keyOf),
    matters: ({ before, after }) => !before || !after || evaluator.changes,
    gatherMs: () => gatheringMs,
  };
}
