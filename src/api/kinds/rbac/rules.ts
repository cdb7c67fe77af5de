import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../../field.ts";
import type { AggregationRule, ClusterRoleBinding, PolicyRule, RoleRef, Subject } from "../../schema/types.ts";
import { validateLabelSelector } from "../../validate/labels.ts";
import { dnsSubdomain, pathSegment } from "../../validate/names.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";

/** What holds for roles and bindings, of a namespace or of the cluster. */

export const rbacGroup = "rbac.authorization.k8s.io";

export function validateRules(
  rules: readonly PolicyRule[] | undefined,
  { namespaced, root }: { namespaced: boolean; root: Path },
): FieldError[] {
  return (rules ?? []).flatMap((rule, i) => validateRule(rule, namespaced, root.child("rules").index(i)));
}

export function validateAggregation(rule: AggregationRule | undefined, root: Path): FieldError[] {
  if (!rule) return [];
  const at = root.child("aggregationRule", "clusterRoleSelectors");
  const selectors = rule.clusterRoleSelectors ?? [];
  if (selectors.length === 0)
    return [at.required("at least one clusterRoleSelector required if aggregationRule is non-nil")];
  return selectors.flatMap((selector, i) => validateLabelSelector(selector, at.index(i)));
}

function validateRule(rule: PolicyRule, namespaced: boolean, at: Path): FieldError[] {
  const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const errors: FieldError[] = [];
  if (!rule.verbs?.length) errors.push(at.child("verbs").required("verbs must contain at least one value"));
  const urls = at.child("nonResourceURLs");
  if (nonResourceURLs.length > 0) {
    if (namespaced) errors.push(urls.invalid(nonResourceURLs, "namespaced rules cannot apply to non-resource URLs"));
    if (apiGroups.length + resources.length + resourceNames.length > 0)
      errors.push(urls.invalid(nonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs"));
    return errors;
  }
  if (apiGroups.length === 0)
    errors.push(at.child("apiGroups").required("resource rules must supply at least one api group"));
  if (resources.length === 0)
    errors.push(at.child("resources").required("resource rules must supply at least one resource"));
  return errors;
}

type Binding = Pick<ClusterRoleBinding, "roleRef" | "subjects">;

/** Fills in the API groups that the kinds of role and subjects imply. */
export function setBindingDefaults(binding: Binding): void {
  if (binding.roleRef && !binding.roleRef.apiGroup) binding.roleRef.apiGroup = rbacGroup;
  for (const subject of binding.subjects ?? [])
    if (!subject.apiGroup && (subject.kind === "User" || subject.kind === "Group")) subject.apiGroup = rbacGroup;
}

export function validateBinding(
  { roleRef, subjects = [] }: Binding,
  { namespaced, root }: { namespaced: boolean; root: Path },
): FieldError[] {
  const at = root.child("roleRef");
  const { apiGroup = "", kind, name = "" } = roleRef ?? ({} as Partial<RoleRef>);
  return [
    ...(apiGroup && apiGroup !== rbacGroup ? [at.child("apiGroup").notSupported(apiGroup, [rbacGroup])] : []),
    ...validateOneOf(kind, namespaced ? ["Role", "ClusterRole"] : ["ClusterRole"], at.child("kind")),
    ...(name ? validateText(pathSegment, name, at.child("name")) : [at.child("name").required()]),
    ...subjects.flatMap((subject, i) => validateSubject(subject, namespaced, root.child("subjects").index(i))),
  ];
}

function validateSubject(subject: Subject, namespaced: boolean, at: Path): FieldError[] {
  const { kind = "", name = "", apiGroup = "", namespace } = subject;
  const errors = name ? [] : [at.child("name").required()];
  switch (kind) {
    case "ServiceAccount":
      if (name) errors.push(...validateText(dnsSubdomain, name, at.child("name")));
      if (apiGroup) errors.push(at.child("apiGroup").notSupported(apiGroup, [""]));
      if (!namespaced && !namespace) errors.push(at.child("namespace").required());
      return errors;
    case "User":
    case "Group":
      return [...errors, ...validateOneOf(apiGroup, [rbacGroup], at.child("apiGroup"))];
    default:
      return [...errors, at.child("kind").notSupported(kind, ["ServiceAccount", "User", "Group"])];
  }
}

/** What a binding grants never changes; only to whom. */
export function validateSameRole({ roleRef }: Binding, old: Binding, root: Path): FieldError[] {
  if (isDeepStrictEqual(roleRef, old.roleRef)) return [];
  const shown = { APIGroup: roleRef.apiGroup ?? "", Kind: roleRef.kind, Name: roleRef.name };
  return [root.child("roleRef").invalid(shown, "cannot change roleRef")];
}
