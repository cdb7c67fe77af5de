import { resourceQuota as resourceQuotaKind } from "../../api/kinds/core/resource-quota.ts";
import type { AnyObject } from "../../api/object.ts";
import type { ResourceList } from "../../api/pod-resources.ts";
import { among, amountsText, grown, growth, namesAbove } from "../../api/quota/amounts.ts";
import { type QuotaEvaluator, quotaEvaluatorOf } from "../../api/quota/evaluator.ts";
import { scopesOf } from "../../api/quota/scope.ts";
import type { ResourceQuota } from "../../api/schema/types.ts";
import { internalError, isReason } from "../../api/status.ts";
import type { Registry } from "../registry/deps.ts";
import { committedObjects, latestObject, prefixOf } from "../registry/objects.ts";
import { updateObject } from "../registry/update.ts";
import { systemCall } from "../system/system-call.ts";
import type { AdmissionStep, Review } from "./admission.ts";
import { refused } from "./refused.ts";

/**
 * Refuses what would be more than a namespace's quotas allow, and charges them for the rest (Kubernetes docs, "Resource
 * Quotas"). What is given back, the quota controller finds out.
 */
export function resourceQuota({ registry }: { readonly registry: () => Registry }): AdmissionStep {
  return {
    name: "ResourceQuota",
    async validate(review) {
      const evaluator = evaluatorFor(review);
      if (!evaluator) return;
      const { store, clock } = registry();
      const { namespace } = review.call;
      if (store.count(prefixOf(resourceQuotaKind, namespace)) === 0) return;
      const quotas = committedObjects(store, resourceQuotaKind, namespace).filter((quota) =>
        isAbout(quota, evaluator, review.object as AnyObject),
      );
      if (quotas.length === 0) return;
      for (const quota of quotas) refuseUncountable(review, quota, evaluator);
      const more = usageGrowth(review, evaluator, clock.now());
      if (Object.keys(more).length === 0) return;
      // All are asked before the first is charged.
      for (const quota of quotas) charged(review, newest(registry(), quota), more);
      if (review.call.options.dryRun) return;
      for (const quota of quotas) await charge(registry(), review, quota, more);
    },
  };
}

function evaluatorFor({ call, operation, object }: Review): QuotaEvaluator | undefined {
  const { bucket } = call.resource;
  if (call.namespace === undefined || !object) return undefined;
  if (call.subresource && !(bucket === "pods" && call.subresource === "resize")) return undefined;
  const evaluator = quotaEvaluatorOf(bucket);
  if (operation === "CREATE") return evaluator;
  if (operation !== "UPDATE" || !evaluator?.changes) return undefined;
  // What a pod uses changes when it is resized, and only then.
  return bucket !== "pods" || call.subresource === "resize" ? evaluator : undefined;
}

function isAbout({ spec, status }: ResourceQuota, evaluator: QuotaEvaluator, object: AnyObject): boolean {
  if (!Object.keys(status?.hard ?? {}).some((name) => evaluator.counts(name))) return false;
  return scopesOf(spec ?? {}).every((scope) => evaluator.isIn(scope, object));
}

function refuseUncountable(review: Review, { metadata, status }: ResourceQuota, evaluator: QuotaEvaluator): void {
  const counted = Object.keys(status?.hard ?? {}).filter((name) => evaluator.counts(name));
  const lacking = evaluator.lacks?.(counted, review.object as AnyObject);
  if (lacking) throw refused(review, `failed quota: ${metadata.name}: ${lacking}`);
  if (counted.some((name) => status?.used?.[name] === undefined))
    throw refused(review, `status unknown for quota: ${metadata.name}, resources: ${counted.sort().join(",")}`);
}

function usageGrowth({ object, old, operation }: Review, evaluator: QuotaEvaluator, now: number): ResourceList {
  const before = operation === "UPDATE" && old ? evaluator.usage(old, now) : {};
  return growth(evaluator.usage(object as AnyObject, now), before);
}

function newest({ store }: Registry, quota: ResourceQuota): ResourceQuota {
  return latestObject(store, resourceQuotaKind, quota.metadata) ?? quota;
}

/**
 * What a quota has used when `more` comes to it.
 * @throws {StatusError} Forbidden, when that is more than it may be
 */
function charged(review: Review, { metadata, status }: ResourceQuota, more: ResourceList): Record<string, string> {
  const { hard = {}, used = {} } = status ?? {};
  const requested = among(more, Object.keys(hard));
  const next = grown(used, requested);
  const exceeded = namesAbove(among(next, Object.keys(requested)), hard);
  if (exceeded.length === 0) return next;
  const [asked, had, limit] = [requested, used, hard].map((list) => amountsText(among(list, exceeded)));
  throw refused(review, `exceeded quota: ${metadata.name}, requested: ${asked}, used: ${had}, limited: ${limit}`);
}

/** Writes what is used now; when another write came between, asks again what is left. */
async function charge(registry: Registry, review: Review, quota: ResourceQuota, more: ResourceList): Promise<void> {
  const resource = registry.catalog.find("", "v1", "resourcequotas");
  if (!resource) throw internalError("there are no quotas");
  const { namespace, name } = quota.metadata;
  const call = { ...systemCall(resource, { namespace, name }), subresource: "status" };
  try {
    await updateObject(registry, call, {
      change(old) {
        const next = structuredClone(old);
        next.status = { ...(old.status as object), used: charged(review, old as unknown as ResourceQuota, more) };
        return next;
      },
    });
  } catch (error) {
    // A quota that was deleted meanwhile limits nothing any more.
    if (!isReason(error, "NotFound")) throw error;
  }
}
