import { isDeepStrictEqual } from "node:util";
import type { Kind } from "../../api/kind.ts";
import { resourceQuota } from "../../api/kinds/core/resource-quota.ts";
import { type AnyObject, isLeaving, type KubeObject, keyOf, type ObjectKey } from "../../api/object.ts";
import { type QuotaEvaluator, quotaEvaluatorOf } from "../../api/quota/evaluator.ts";
import type { ResourceQuota } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { carryOut } from "../../client/carry-out.ts";
import {
  type Controller,
  type ControllerEnvironment,
  defineController,
  settled,
  type Watched,
} from "../../client/controller.ts";
import type { Informer } from "../../client/informer.ts";
import { followCustomKinds } from "../custom-kinds.ts";
import { deletableKinds } from "../resources.ts";
import { type Countable, statusFrom } from "./decide.ts";

/** What goes together is counted together. */
const gatheringMs = 1000;

interface Counted {
  readonly kind: Kind;
  readonly evaluator: QuotaEvaluator;
}

/** A kind that a CustomResourceDefinition declares. */
interface CustomCounted {
  readonly informer: Informer<KubeObject>;
  readonly evaluator: QuotaEvaluator;
}

const counted: readonly Counted[] = deletableKinds
  .filter(({ scope }) => scope === "Namespaced")
  .flatMap((kind) => {
    const evaluator = quotaEvaluatorOf(kind.group ? `${kind.plural}.${kind.group}` : kind.plural);
    return evaluator ? [{ kind, evaluator }] : [];
  });

/**
 * Says how much of a quota is used: the API server adds to it, here it is found out what has been given back. What comes to
 * it is no reason to count: the API server has charged the quota before the object can be seen here, so that a count in
 * between would let one more in. `syncMs`: after that all is counted again.
 */
export function resourceQuotaController({ syncMs }: { readonly syncMs: number }): Controller {
  const custom = new Set<CustomCounted>();
  return defineController<ResourceQuota>({
    name: "resourcequota",
    reconciles: resourceQuota,
    matters: ({ before, after }) => !before || !isDeepStrictEqual(before.spec, after?.spec),
    watches: counted.map(watchOf),
    follows: (environment, again) => followCounted(custom, environment, again),

    async reconcile(key, { cache, client, now }) {
      const object = cache.get(resourceQuota, key);
      if (!object || isLeaving(object)) return settled;
      const names = Object.keys(object.spec?.hard ?? {});
      const isCounted = ({ evaluator }: { evaluator: QuotaEvaluator }): boolean =>
        names.some((name) => evaluator.counts(name));
      const countables: Countable[] = [
        ...counted
          .filter(isCounted)
          .map(({ kind, evaluator }) => ({ evaluator, objects: cache.list(kind, key.namespace) })),
        ...[...custom]
          .filter(isCounted)
          .map(({ informer, evaluator }) => ({ evaluator, objects: informer.list(key.namespace) })),
      ] as Countable[];
      const status = statusFrom(object, countables, now);
      if (isDeepStrictEqual(status, object.status)) return { again: { afterMs: syncMs } };
      try {
        await carryOut(cache, [() => client.updateStatus(resourceQuota, { ...object, status })]);
      } catch (error) {
        if (!isReason(error, "Conflict")) throw error;
        // It was charged meanwhile: for something that is only about to be seen here.
        return { again: { afterMs: gatheringMs } };
      }
      return { again: { afterMs: syncMs } };
    },
  });
}

/** Keeps `custom` what it should be: a kind is in it from the moment on when all its objects are known. */
function followCounted(
  custom: Set<CustomCounted>,
  environment: ControllerEnvironment,
  again: (key: ObjectKey, afterMs: number) => void,
): Disposable {
  const quotas = environment.informers.of(resourceQuota);
  return followCustomKinds(environment, (kind, informer) => {
    const evaluator = quotaEvaluatorOf(`${kind.plural}.${kind.group}`);
    if (!evaluator || kind.scope !== "Namespaced") return { [Symbol.dispose]() {} };
    const one: CustomCounted = { informer, evaluator };
    const recount = (namespace: string | undefined, afterMs: number) => {
      for (const quota of quotas.list(namespace)) if (concerns(quota, evaluator)) again(keyOf(quota), afterMs);
    };
    const listener = informer.onChange(({ key, after }) => {
      if (!after) recount(key.namespace, gatheringMs);
    });
    let isFollowed = true;
    void informer.synced.then(
      () => {
        if (!isFollowed) return;
        custom.add(one);
        recount(undefined, 0);
      },
      (error) => environment.log.debug("a kind went before its objects were known", { kind: kind.kind, error }),
    );
    return {
      [Symbol.dispose]() {
        isFollowed = false;
        custom.delete(one);
        listener[Symbol.dispose]();
      },
    };
  });
}

/** Whether a quota counts what the evaluator is for. */
function concerns({ spec }: ResourceQuota, evaluator: QuotaEvaluator): boolean {
  return Object.keys(spec?.hard ?? {}).some((name) => evaluator.counts(name));
}

function watchOf({ kind, evaluator }: Counted): Watched {
  return {
    kind,
    // Where only the number counts, what is in the objects need not be held.
    ...(!evaluator.changes && { query: { keeps: "identity" } }),
    keys: ({ metadata }: KubeObject, cache) =>
      cache
        .list(resourceQuota, metadata.namespace)
        .filter((quota) => concerns(quota, evaluator))
        .map(keyOf),
    matters: ({ before, after }) => {
      if (!before || !after) return !after;
      return evaluator.changes && givesBack(evaluator, before as AnyObject, after as AnyObject);
    },
    gatherMs: () => gatheringMs,
  };
}

/** Whether a change of an object can mean that it uses less. */
function givesBack(evaluator: QuotaEvaluator, before: AnyObject, after: AnyObject): boolean {
  return (
    isLeaving(before) !== isLeaving(after) || !isDeepStrictEqual(evaluator.usage(before, 0), evaluator.usage(after, 0))
  );
}
