import type { FieldError, Path } from "../field.ts";
import { compareQuantities, milliOf, quantityFrom } from "../quantity.ts";
import type { ResourceClaim, ResourceRequirements } from "../schema/types.ts";
import { dnsLabel, qualifiedName } from "./names.ts";
import { validateNonNegativeQuantity, validateText } from "./values.ts";

/* Resources: "cpu", "hugepages-2Mi", "example.com/gpu" (Kubernetes docs, "Resource Management for Pods and Containers"). */

const containerResources = new Set(["cpu", "memory", "ephemeral-storage"]);
const objectCounts = new Set([
  "pods",
  "services",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
]);
const quotaResources = new Set([
  ...containerResources,
  ...objectCounts,
  "requests.cpu",
  "requests.memory",
  "requests.storage",
  "requests.ephemeral-storage",
  "limits.cpu",
  "limits.memory",
  "limits.ephemeral-storage",
]);
const standardResources = new Set([...quotaResources, "storage"]);

const isHugePages = (name: string) => name.startsWith("hugepages-");
const isRequestedHugePages = (name: string) => name.startsWith("requests.hugepages-");

/** Whether a quota may name it without a prefix. */
export function isStandardQuotaResource(name: string): boolean {
  return quotaResources.has(name) || isHugePages(name) || isRequestedHugePages(name);
}

/** Whether it is Kubernetes' own: without a prefix, or with one of kubernetes.io. */
export function isNativeResource(name: string): boolean {
  return !name.includes("/") || name.split("/")[0]?.endsWith("kubernetes.io") === true;
}

/** Whether a device plugin may offer it under this name. */
function isExtendedResource(name: string): boolean {
  return !isNativeResource(name) && !name.startsWith("requests.") && qualifiedName(`requests.${name}`).length === 0;
}

/** Whether less may be requested than is used at most. */
export function allowsOvercommit(name: string): boolean {
  return isNativeResource(name) && !isHugePages(name);
}

export function validateResourceName(name: string, at: Path): FieldError[] {
  const wrong = validateText(qualifiedName, name, at);
  if (wrong.length > 0) return wrong;
  const known = name.includes("/") || standardResources.has(name) || isHugePages(name) || isRequestedHugePages(name);
  return known ? [] : [at.invalid(name, "must be a standard resource type or fully qualified")];
}

export function validateContainerResourceName(name: string, at: Path): FieldError[] {
  const errors = validateResourceName(name, at);
  if (!name.includes("/"))
    return containerResources.has(name) || isHugePages(name)
      ? errors
      : [...errors, at.invalid(name, "must be a standard resource for containers")];
  return isNativeResource(name) || isExtendedResource(name)
    ? errors
    : [...errors, at.invalid(name, "doesn't follow extended resource name standard")];
}

function validatePodResourceName(name: string, at: Path): FieldError[] {
  const errors = validateResourceName(name, at);
  if (errors.length > 0) return errors;
  return name === "cpu" || name === "memory" || isHugePages(name)
    ? []
    : [at.notSupported(name, ["cpu", "hugepages-", "memory"])];
}

export function validateResourceQuantity(name: string, quantity: string, at: Path): FieldError[] {
  const whole = objectCounts.has(name) || isExtendedResource(name);
  return [
    ...validateNonNegativeQuantity(quantity, at),
    ...(whole && milliOf(quantity) % 1000 !== 0 ? [at.invalid(quantity, "must be an integer")] : []),
  ];
}

/** What a container, or with `pod` a whole pod, asks for. `claims`: the names that the pod gives to resource claims. */
export function validateResources(
  { limits = {}, requests = {}, claims = [] }: ResourceRequirements,
  { claims: known, pod = false }: { claims: ReadonlySet<string>; pod?: boolean },
  at: Path,
): FieldError[] {
  const nameRule = pod ? validatePodResourceName : validateContainerResourceName;
  const validateEntry = (name: string, quantity: string, place: Path) => [
    ...nameRule(name, place),
    ...validateResourceQuantity(name, quantity, place),
  ];
  const errors = byName(limits).flatMap(([name, quantity]) => {
    const place = at.child("limits").key(name);
    return [...validateEntry(name, quantity, place), ...validateHugePages(name, quantity, place)];
  });
  for (const [name, quantity] of byName(requests)) {
    const place = at.child("requests").key(name);
    errors.push(...validateEntry(name, quantity, place));
    errors.push(...validateAgainstLimit(name, { request: quantity, limit: limits[name] }, at));
    errors.push(...validateHugePages(name, quantity, place));
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes("cpu") && !names.includes("memory"))
    errors.push(at.forbidden("HugePages require cpu or memory"));
  return [...errors, ...validateClaims(claims, known, at.child("claims"))];
}

function byName(list: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1));
}

function validateAgainstLimit(
  name: string,
  { request, limit }: { request: string; limit: string | undefined },
  at: Path,
): FieldError[] {
  if (limit === undefined)
    return allowsOvercommit(name)
      ? []
      : [at.child("limits").required("Limit must be set for non overcommitable resources")];
  const difference = compareQuantities(request, limit);
  if (difference !== 0 && !allowsOvercommit(name))
    return [at.child("requests").invalid(request, `must be equal to ${name} limit of ${limit}`)];
  return difference > 0
    ? [at.child("requests").invalid(request, `must be less than or equal to ${name} limit of ${limit}`)]
    : [];
}

function validateHugePages(name: string, quantity: string, at: Path): FieldError[] {
  if (!isHugePages(name)) return [];
  const page = pageSizeOf(name);
  const fits = page !== undefined && page > 0n && quantityFrom(quantity).nanos % page === 0n;
  return fits ? [] : [at.invalid(quantity, `${quantity} is not positive integer multiple of ${name}`)];
}

function pageSizeOf(name: string): bigint | undefined {
  try {
    return quantityFrom(name.slice("hugepages-".length)).nanos;
  } catch {
    return undefined;
  }
}

function validateClaims(claims: readonly ResourceClaim[], known: ReadonlySet<string>, at: Path): FieldError[] {
  const seen = new Set<string>();
  return claims.flatMap(({ name = "", request = "" }, i) => {
    const place = at.index(i);
    if (!name) return [place.required()];
    const errors: FieldError[] = [];
    const key = request ? `${name}/${request}` : name;
    const overlaps = !request && [...seen].some((other) => other.startsWith(`${name}/`));
    if (seen.has(name) || overlaps) errors.push(place.duplicate(name));
    else {
      if (request) errors.push(...validateText(dnsLabel, request, place.child("request")));
      if (seen.has(key)) errors.push(place.duplicate(key));
    }
    seen.add(key);
    if (!known.has(name)) {
      const choice = known.size === 0 ? " which is empty" : `: ${[...known].sort().join(", ")}`;
      const missing = place.notFound(name);
      errors.push({
        ...missing,
        message: `${missing.message}: must be one of the names in pod.spec.resourceClaims${choice}`,
      });
    }
    return errors;
  });
}
