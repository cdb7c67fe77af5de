import type { AnyObject } from "../../../api/object.ts";
import type { RuleWithOperations } from "../../../api/schema/types.ts";
import { type LabelSelector, selects } from "../../../api/selector.ts";
import type { Store } from "../../../store/contract.ts";
import { heldObject } from "../../registry/held.ts";
import type { Catalog, Resource } from "../../registry/resources.ts";
import { systemUser } from "../../user.ts";
import type { Review } from "../admission.ts";

/** Which requests a webhook or policy is asked about (API reference, "MatchResources"). */
export interface Matching {
  readonly rules: readonly RuleWithOperations[];
  readonly excludeRules?: readonly NamedRule[];
  readonly namespaceSelector?: LabelSelector | undefined;
  readonly objectSelector?: LabelSelector | undefined;
  readonly matchPolicy?: string | undefined;
}

type NamedRule = RuleWithOperations & { readonly resourceNames?: readonly string[] };

/** A kind and the resource under which a request was made, or is shown to a webhook that knows another version. */
export interface SeenAs {
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string };
  /** The version in which objects are shown; undefined where they have only one form. */
  readonly as: Resource | undefined;
}

/** The request itself, as it was made. */
export function seenAs({ call }: Review): SeenAs {
  const { resource, subresource } = call;
  const part = subresource === undefined ? undefined : resource.kind.subresources[subresource];
  const { group, version, kind, plural } = resource.kind;
  if (part?.sort === "scale")
    return {
      kind: { group: "autoscaling", version: "v1", kind: "Scale" },
      resource: { group, version, resource: plural },
      as: undefined,
    };
  if (part?.sort === "action")
    return {
      kind: { group: part.group ?? group, version: part.version ?? version, kind: part.kind },
      resource: { group, version, resource: plural },
      as: undefined,
    };
  return { kind: { group, version, kind }, resource: { group, version, resource: plural }, as: resource };
}

interface Surroundings {
  readonly store: Store;
  readonly catalog: Catalog;
}

/** How a request is shown to who asked for such ones; undefined: it is none of them. */
export function matched(review: Review, matching: Matching, { store, catalog }: Surroundings): SeenAs | undefined {
  if (!inNamespace(review, matching.namespaceSelector, store)) return undefined;
  if (!hasLabels(review, matching.objectSelector)) return undefined;
  const asked = seenAs(review);
  const name = review.call.name ?? review.object?.metadata.name ?? "";
  if (matching.excludeRules?.some((rule) => ruleMatches(rule, review, asked) && isNamed(rule, name))) return undefined;
  if (matching.rules.some((rule) => ruleMatches(rule, review, asked) && isNamed(rule, name))) return asked;
  if (matching.matchPolicy === "Exact" || !asked.as) return undefined;
  return sameObjects(asked.as, catalog).find((other) =>
    matching.rules.some((rule) => ruleMatches(rule, review, other) && isNamed(rule, name)),
  );
}

function isNamed({ resourceNames }: NamedRule, name: string): boolean {
  return !resourceNames?.length || resourceNames.includes(name);
}

/** The other versions under which the same objects are served. */
function sameObjects(resource: Resource, catalog: Catalog): SeenAs[] {
  return catalog
    .all()
    .filter((other) => other.bucket === resource.bucket && other.groupVersion !== resource.groupVersion)
    .map((other) => {
      const { group, version, kind, plural } = other.kind;
      return { kind: { group, version, kind }, resource: { group, version, resource: plural }, as: other };
    })
    .toArray();
}

function ruleMatches(rule: RuleWithOperations, review: Review, { resource }: SeenAs): boolean {
  const { operations = [], apiGroups = [], apiVersions = [], scope = "*" } = rule;
  const { namespace, resource: of, subresource = "" } = review.call;
  const isNamespaced = of.kind.scope === "Namespaced" && namespace !== undefined;
  const holds = (values: readonly string[], value: string): boolean => values.includes("*") || values.includes(value);
  return (
    holds(operations, review.operation) &&
    holds(apiGroups, resource.group) &&
    holds(apiVersions, resource.version) &&
    (scope === "*" || (scope === "Namespaced") === isNamespaced) &&
    (rule.resources ?? []).some((wanted) => {
      const [name = "", part = ""] = wanted.split("/");
      return (name === "*" || name === resource.resource) && (part === "*" || part === subresource);
    })
  );
}

function inNamespace({ call, object, old }: Review, selector: LabelSelector | undefined, store: Store): boolean {
  if (isEmpty(selector)) return true;
  // A Namespace is judged by its own labels; what is in none is not judged.
  if (call.resource.bucket === "namespaces") return selects(selector, (object ?? old)?.metadata.labels);
  if (call.namespace === undefined) return true;
  return selects(selector, namespaceOf(store, call.namespace)?.metadata.labels);
}

export function namespaceOf(store: Store, name: string): AnyObject | undefined {
  const entry = store.latest(`/namespaces/${name}`);
  return entry && heldObject(entry);
}

function hasLabels({ object, old }: Review, selector: LabelSelector | undefined): boolean {
  return isEmpty(selector) || [object, old].some((one) => one && selects(selector, one.metadata.labels));
}

function isEmpty(selector: LabelSelector | undefined): boolean {
  return !selector || (Object.keys(selector.matchLabels ?? {}).length === 0 && !selector.matchExpressions?.length);
}

const ownGroup = "admissionregistration.k8s.io";

/**
 * Whether nobody is asked about a request: what it writes decides who is asked, and could not be mended if somebody refused; and
 * what the server writes for itself cannot wait for others.
 */
export function isExempt({ call }: Review): boolean {
  // The very object: somebody else of that name is not the server.
  return call.resource.kind.group === ownGroup || call.user === systemUser;
}
