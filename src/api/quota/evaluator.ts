import type { AnyObject } from "../object.ts";
import type { ResourceList } from "../pod-resources.ts";
import type { ScopedResourceSelectorRequirement } from "../schema/types.ts";
import { claims } from "./claims.ts";
import { objectsOf } from "./objects.ts";
import { pods } from "./pods.ts";
import { resourceClaims } from "./resource-claims.ts";
import { services } from "./services.ts";

/** What objects of one kind mean for a quota (Kubernetes docs, "Resource Quotas"). */
export interface QuotaEvaluator {
  /** Whether objects of this kind can use something of a resource that a quota names. */
  counts(resource: string): boolean;
  /** What an object uses, at a time: what has ended uses less. */
  usage(object: AnyObject, now: number): ResourceList;
  /** Whether an object is in a quota's scope. */
  isIn(scope: ScopedResourceSelectorRequirement, object: AnyObject): boolean;
  /** What an object would have to say for a quota to count it; undefined when nothing lacks. */
  lacks?(resources: readonly string[], object: AnyObject): string | undefined;
  /** Whether a change of an object can change what it uses. */
  readonly changes: boolean;
}

const special: Readonly<Record<string, QuotaEvaluator>> = {
  pods,
  services,
  persistentvolumeclaims: claims,
  "resourceclaims.resource.k8s.io": resourceClaims,
};

// What says something, and is not kept for its own sake.
const uncounted = new Set(["events", "events.events.k8s.io"]);

/** By "plural" or "plural.group"; undefined for what no quota counts. */
export function quotaEvaluatorOf(resource: string): QuotaEvaluator | undefined {
  if (uncounted.has(resource)) return undefined;
  return Object.hasOwn(special, resource) ? special[resource] : objectsOf(resource);
}
