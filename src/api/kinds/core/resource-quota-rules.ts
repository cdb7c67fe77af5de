import type { FieldError, Path } from "../../field.ts";
import { goView } from "../../go-view.ts";
import type { ResourceQuotaSpec, ScopedResourceSelectorRequirement } from "../../schema/types.ts";
import { isStandardQuotaResource, validateResourceName, validateResourceQuantity } from "../../validate/resources.ts";

const scopes = [
  "Terminating",
  "NotTerminating",
  "BestEffort",
  "NotBestEffort",
  "PriorityClass",
  "CrossNamespacePodAffinity",
  "VolumeAttributesClass",
];
const podScopes = new Set(scopes.slice(0, 6));
/** Scopes that an object either is in or not: no values to choose from. */
const plainScopes = new Set([
  "BestEffort",
  "NotBestEffort",
  "Terminating",
  "NotTerminating",
  "CrossNamespacePodAffinity",
]);
const conflicts = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
];

export function validateQuotaList(list: Readonly<Record<string, string>> | undefined, at: Path): FieldError[] {
  return Object.keys(list ?? {})
    .sort()
    .flatMap((name) => {
      const place = at.key(name);
      return [
        ...validateResourceName(name, place),
        ...(name.includes("/") || isStandardQuotaResource(name)
          ? []
          : [place.invalid(name, "must be a standard resource for quota")]),
        ...validateResourceQuantity(name, list?.[name] ?? "0", place),
      ];
    });
}

export function validateResourceQuotaSpec(spec: ResourceQuotaSpec, at: Path): FieldError[] {
  return [
    ...validateQuotaList(spec.hard, at.child("hard")),
    ...validateScopes(spec, at.child("scopes")),
    ...validateScopeSelector(spec, at),
  ];
}

function validateScopes({ scopes: given = [], hard }: ResourceQuotaSpec, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const scope of given) {
    if (!scopes.includes(scope)) errors.push(at.invalid(given, "unsupported scope"));
    for (const name of Object.keys(hard ?? {}).sort())
      if (isStandardQuotaResource(name) && !countsInScope(scope, name))
        errors.push(at.invalid(given, "unsupported scope applied to resource"));
  }
  for (const pair of conflicts)
    if (pair.every((scope) => given.includes(scope))) errors.push(at.invalid(given, "conflicting scopes"));
  return errors;
}

function validateScopeSelector(spec: ResourceQuotaSpec, at: Path): FieldError[] {
  const place = at.child("scopeSelector", "matchExpressions");
  const requirements = spec.scopeSelector?.matchExpressions ?? [];
  const named = requirements.map(({ scopeName }) => scopeName);
  return [
    ...requirements.flatMap((requirement) => validateRequirement(requirement, spec, place)),
    ...conflicts.flatMap((pair) =>
      pair.every((scope) => named.includes(scope)) ? [place.invalid(spec.scopes, "conflicting scopes")] : [],
    ),
  ];
}

function validateRequirement(
  { scopeName = "", operator = "", values = [] }: ScopedResourceSelectorRequirement,
  { hard, scopeSelector }: ResourceQuotaSpec,
  at: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  if (!scopes.includes(scopeName)) errors.push(at.child("scopeName").invalid(scopeName, "unsupported scope"));
  for (const name of Object.keys(hard ?? {}).sort())
    if (isStandardQuotaResource(name) && !countsInScope(scopeName, name))
      errors.push(at.invalid(goView("ScopeSelector", scopeSelector ?? {}), "unsupported scope applied to resource"));
  if (plainScopes.has(scopeName) && operator !== "Exists")
    errors.push(
      at
        .child("operator")
        .invalid(
          operator,
          "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ),
    );
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0)
      errors.push(
        at.child("values").required("must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"),
      );
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0)
      errors.push(
        at
          .child("values")
          .invalid(values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"),
      );
  } else errors.push(at.child("operator").invalid(operator, "not a valid selector operator"));
  return errors;
}

/** Whether a resource can be counted for the objects of a scope. */
function countsInScope(scope: string, name: string): boolean {
  const ofPods = /^(pods|cpu|memory|ephemeral-storage|(requests|limits)\.(cpu|memory|ephemeral-storage))$/.test(name);
  if (scope === "BestEffort") return name === "pods";
  if (scope === "VolumeAttributesClass") return name === "persistentvolumeclaims" || name === "requests.storage";
  return podScopes.has(scope) ? ofPods : true;
}
