import { limitRange } from "../../api/kinds/core/limit-range.ts";
import type { AnyObject } from "../../api/object.ts";
import { podLimits, podRequests, type ResourceList } from "../../api/pod-resources.ts";
import { compareQuantities, formatQuantity, numberOf, quantityFrom, signOf } from "../../api/quantity.ts";
import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, PodSpec } from "../../api/schema/types.ts";
import type { Store } from "../../store/contract.ts";
import { committedObjects } from "../registry/objects.ts";
import type { AdmissionStep, Review } from "./admission.ts";
import { joined, refused } from "./refused.ts";

const annotation = "kubernetes.io/limit-ranger";

/** What a container, a pod or a claim asks for. */
interface Asked {
  readonly requests: ResourceList;
  readonly limits: ResourceList;
}

/** Gives containers what a namespace's LimitRanges say by default, and refuses what they forbid (Kubernetes docs, "Limit Ranges"). */
export function limitRanger({ store }: { readonly store: Store }): AdmissionStep {
  const rangesFor = ({ call }: Review): LimitRange[] => committedObjects(store, limitRange, call.namespace);
  return {
    name: "LimitRanger",
    mutate(review) {
      if (!isLimited(review) || review.call.resource.bucket !== "pods" || !review.object) return;
      for (const range of rangesFor(review)) fillIn(review.object, range);
    },
    validate(review) {
      if (!isLimited(review) || !review.object) return;
      for (const { spec } of rangesFor(review)) {
        const faults = (spec?.limits ?? []).flatMap((limit) => faultsOf(review, limit));
        if (faults.length > 0) throw refused(review, joined(faults));
      }
    },
  };
}

/** New pods, resized ones, and claims. What a pod asks for changes in no other way. */
function isLimited({ call, operation, object }: Review): boolean {
  if (object?.metadata.deletionTimestamp && operation === "UPDATE") return false;
  const { bucket } = call.resource;
  if (bucket === "pods")
    return (operation === "CREATE" && !call.subresource) || (operation === "UPDATE" && call.subresource === "resize");
  return bucket === "persistentvolumeclaims" && !call.subresource && (operation === "CREATE" || operation === "UPDATE");
}

function fillIn(pod: AnyObject, { spec }: LimitRange): void {
  const limits: Record<string, string> = {};
  const requests: Record<string, string> = {};
  for (const item of spec?.limits ?? []) {
    if (item.type !== "Container") continue;
    Object.assign(limits, item.default);
    Object.assign(requests, item.defaultRequest);
  }
  const { containers = [], initContainers = [] } = pod.spec as unknown as PodSpec;
  const told = [
    ...containers.flatMap((container) => filled(container, "container", requests, limits)),
    ...initContainers.flatMap((container) => filled(container, "init container", requests, limits)),
  ];
  if (told.length > 0)
    pod.metadata.annotations = {
      ...pod.metadata.annotations,
      [annotation]: `LimitRanger plugin set: ${told.join("; ")}`,
    };
}

/** Completes a container; tells what was added. */
function filled(container: Container, sort: string, requests: ResourceList, limits: ResourceList): string[] {
  const missing = (part: "requests" | "limits", defaults: ResourceList): string[] =>
    Object.keys(defaults)
      .filter((name) => container.resources?.[part]?.[name] === undefined)
      .sort();
  const absent = { requests: missing("requests", requests), limits: missing("limits", limits) };
  const told: string[] = [];
  for (const [part, word, defaults] of [
    ["requests", "request", requests],
    ["limits", "limit", limits],
  ] as const) {
    if (absent[part].length === 0) continue;
    const added = Object.fromEntries(absent[part].map((name) => [name, defaults[name] as string]));
    container.resources = { ...container.resources, [part]: { ...container.resources?.[part], ...added } };
    told.push(`${absent[part].join(", ")} ${word} for ${sort} ${container.name}`);
  }
  return told;
}

function faultsOf({ call, object, old }: Review, limit: LimitRangeItem): string[] {
  if (call.resource.bucket === "persistentvolumeclaims")
    return limit.type === "PersistentVolumeClaim"
      ? claimFaults(limit, requestsOf(object) ?? {}, requestsOf(old) ?? {})
      : [];
  const spec = object?.spec as unknown as PodSpec;
  const before = old?.spec as unknown as PodSpec | undefined;
  if (limit.type === "Pod") return faults(limit, ofPod(spec), before && ofPod(before));
  if (limit.type !== "Container") return [];
  return (["containers", "initContainers"] as const).flatMap((list) =>
    (spec[list] ?? []).flatMap((container) => {
      const known = before?.[list]?.find(({ name }) => name === container.name);
      return faults(limit, ofContainer(container), known && ofContainer(known));
    }),
  );
}

function requestsOf(claim: AnyObject | undefined): ResourceList | undefined {
  return (claim as unknown as PersistentVolumeClaim | undefined)?.spec?.resources?.requests;
}

function ofPod(spec: PodSpec): Asked {
  return { requests: podRequests(spec), limits: podLimits(spec) };
}

function ofContainer({ resources }: Container): Asked {
  return { requests: resources?.requests ?? {}, limits: resources?.limits ?? {} };
}

/** What was asked for before, and was stored, may stay. */
function faults({ type, min, max, maxLimitRequestRatio }: LimitRangeItem, asked: Asked, before?: Asked): string[] {
  const isKept = (name: string): boolean =>
    before !== undefined &&
    isSame(asked.requests[name], before.requests[name]) &&
    isSame(asked.limits[name], before.limits[name]);
  const each = (bounds: ResourceList | undefined, fault: typeof belowMin): string[] =>
    sorted(bounds).flatMap(([name, bound]) => (isKept(name) ? [] : (fault(type, name, bound, asked) ?? [])));
  return [...each(min, belowMin), ...each(max, aboveMax), ...each(maxLimitRequestRatio, aboveRatio)];
}

function claimFaults({ type, min, max }: LimitRangeItem, requests: ResourceList, before: ResourceList): string[] {
  const asked = { requests, limits: {} };
  const isKept = (name: string): boolean => requests[name] !== undefined && isSame(requests[name], before[name]);
  return [
    ...sorted(min).flatMap(([name, bound]) => (isKept(name) ? [] : (belowMin(type, name, bound, asked) ?? []))),
    ...sorted(max).flatMap(([name, bound]) => (isKept(name) ? [] : (requestAboveMax(type, name, bound, asked) ?? []))),
  ];
}

function sorted(list: ResourceList | undefined): [name: string, quantity: string][] {
  return Object.entries(list ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

function isSame(a: string | undefined, b: string | undefined): boolean {
  return a === undefined || b === undefined ? a === b : compareQuantities(a, b) === 0;
}

function belowMin(type: string, name: string, bound: string, { requests, limits }: Asked): string | undefined {
  const [request, limit] = [requests[name], limits[name]];
  const least = `minimum ${name} usage per ${type} is ${shown(bound)}`;
  if (request === undefined) return `${least}.  No request is specified`;
  if (compareQuantities(request, bound) < 0) return `${least}, but request is ${shown(request)}`;
  return limit !== undefined && compareQuantities(limit, bound) < 0
    ? `${least}, but limit is ${shown(limit)}`
    : undefined;
}

function aboveMax(type: string, name: string, bound: string, { requests, limits }: Asked): string | undefined {
  const [request, limit] = [requests[name], limits[name]];
  const most = `maximum ${name} usage per ${type} is ${shown(bound)}`;
  if (limit === undefined) return `${most}.  No limit is specified`;
  if (compareQuantities(limit, bound) > 0) return `${most}, but limit is ${shown(limit)}`;
  return request !== undefined && compareQuantities(request, bound) > 0
    ? `${most}, but request is ${shown(request)}`
    : undefined;
}

function requestAboveMax(type: string, name: string, bound: string, { requests }: Asked): string | undefined {
  const request = requests[name];
  const most = `maximum ${name} usage per ${type} is ${shown(bound)}`;
  if (request === undefined) return `${most}.  No request is specified`;
  return compareQuantities(request, bound) > 0 ? `${most}, but request is ${shown(request)}` : undefined;
}

function aboveRatio(type: string, name: string, bound: string, { requests, limits }: Asked): string | undefined {
  const [request, limit] = [requests[name], limits[name]];
  const most = `${name} max limit to request ratio per ${type} is ${shown(bound)}`;
  if (request === undefined || signOf(request) === 0) return `${most}, but no request is specified or request is 0`;
  if (limit === undefined || signOf(limit) === 0) return `${most}, but no limit is specified or limit is 0`;
  const ratio = numberOf(limit) / numberOf(request);
  return ratio > numberOf(bound) ? `${most}, but provided ratio is ${ratio.toFixed(6)}` : undefined;
}

function shown(quantity: string): string {
  return formatQuantity(quantityFrom(quantity));
}
