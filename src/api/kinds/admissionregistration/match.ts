import type { FieldError, Path } from "../../field.ts";
import type {
  MatchCondition,
  MatchResources,
  ParamKind,
  ParamRef,
  RuleWithOperations,
  Variable,
} from "../../schema/types.ts";
import { validateLabelSelector } from "../../validate/labels.ts";
import { cIdentifier, pathSegment, qualifiedName } from "../../validate/names.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";

/** What webhooks and admission policies share: which requests they see, and their expressions' surroundings. */

const maxMatchConditions = 64;
const operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];

export function setRuleDefaults(rules: readonly RuleWithOperations[] | undefined): void {
  for (const rule of rules ?? []) rule.scope ??= "*";
}

export function setMatchDefaults(match: MatchResources | undefined): void {
  if (!match) return;
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  match.matchPolicy ??= "Equivalent";
  setRuleDefaults(match.resourceRules);
  setRuleDefaults(match.excludeResourceRules);
}

export function validateRule(rule: RuleWithOperations, at: Path): FieldError[] {
  const { operations: given = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  return [
    ...validateWild(given, { all: "operations", at: at.child("operations") }),
    ...given.flatMap((operation, i) => validateOneOf(operation, operations, at.child("operations").index(i))),
    ...validateWild(apiGroups, { all: "API groups", at: at.child("apiGroups") }),
    ...validateWild(apiVersions, { all: "API versions", at: at.child("apiVersions") }),
    ...apiVersions.flatMap((version, i) => (version === "" ? [at.child("apiVersions").index(i).required()] : [])),
    ...validateResources(resources, at.child("resources")),
    ...(scope === undefined ? [] : validateOneOf(scope, ["*", "Cluster", "Namespaced"], at.child("scope"))),
  ];
}

function validateWild(values: readonly string[], { all, at }: { all: string; at: Path }): FieldError[] {
  if (values.length === 0) return [at.required()];
  return values.length > 1 && values.includes("*")
    ? [at.invalid(values, `if '*' is present, must not specify other ${all}`)]
    : [];
}

function validateResources(resources: readonly string[], at: Path): FieldError[] {
  if (resources.length === 0) return [at.required()];
  const errors = resources.flatMap((resource, i) => (resource === "" ? [at.index(i).required()] : []));
  const others = resources.length > 1;
  if (others && resources.includes("*/*"))
    errors.push(at.invalid(resources, "if '*/*' is present, must not specify other resources"));
  else if (
    others &&
    resources.includes("*") &&
    resources.some((resource) => !resource.includes("/") && resource !== "*")
  )
    errors.push(at.invalid(resources, "if '*' is present, must not specify other resources without subresources"));
  return errors;
}

export function validateMatchResources(match: MatchResources, at: Path): FieldError[] {
  const { matchPolicy, namespaceSelector, objectSelector, resourceRules = [], excludeResourceRules = [] } = match;
  return [
    ...validateMatchPolicy(matchPolicy, at),
    ...validateLabelSelector(namespaceSelector, at.child("namespaceSelector")),
    ...validateLabelSelector(objectSelector, at.child("objectSelector")),
    ...resourceRules.flatMap((rule, i) => validateRule(rule, at.child("resourceRules").index(i))),
    ...excludeResourceRules.flatMap((rule, i) => validateRule(rule, at.child("excludeResourceRules").index(i))),
  ];
}

export function validateMatchPolicy(policy: string | undefined, at: Path): FieldError[] {
  return policy === undefined ? [] : validateOneOf(policy, ["Equivalent", "Exact"], at.child("matchPolicy"));
}

export function validateFailurePolicy(policy: string | undefined, at: Path): FieldError[] {
  return policy === undefined ? [] : validateOneOf(policy, ["Fail", "Ignore"], at.child("failurePolicy"));
}

export function validateMatchConditions(conditions: readonly MatchCondition[] = [], at: Path): FieldError[] {
  if (conditions.length > maxMatchConditions) return [at.tooMany(conditions.length, maxMatchConditions)];
  const names = conditions.map(({ name }) => name);
  return conditions.flatMap(({ name = "", expression }, i) => [
    ...validateExpression(expression, at.index(i).child("expression")),
    ...(name ? validateText(qualifiedName, name, at.index(i).child("name")) : [at.index(i).child("name").required()]),
    ...(name && names.indexOf(name) < i ? [at.index(i).child("name").duplicate(name)] : []),
  ]);
}

export function validateVariables(variables: readonly Variable[] = [], at: Path): FieldError[] {
  const names = variables.map(({ name }) => name);
  return variables.flatMap(({ name = "", expression }, i) => {
    const place = at.index(i).child("name");
    return [
      ...(name === "" ? [place.required()] : []),
      ...(name && cIdentifier(name).length > 0 ? [place.invalid(name, "must be a valid CEL identifier")] : []),
      ...(name && names.indexOf(name) < i ? [place.duplicate(name)] : []),
      ...validateExpression(expression, at.index(i).child("expression")),
    ];
  });
}

export function validateExpression(expression: string | undefined, at: Path): FieldError[] {
  return expression?.trim() ? [] : [at.required()];
}

export function validateParamKind(kind: ParamKind | undefined, at: Path): FieldError[] {
  if (!kind) return [];
  return [
    ...(kind.apiVersion ? [] : [at.child("apiVersion").required()]),
    ...(kind.kind ? validateText(pathSegment, kind.kind, at.child("kind")) : [at.child("kind").required()]),
  ];
}

export function validateParamRef(ref: ParamRef | undefined, at: Path): FieldError[] {
  if (!ref) return [];
  const { name, selector, parameterNotFoundAction } = ref;
  const errors: FieldError[] = [];
  if (name) errors.push(...validateText(pathSegment, name, at.child("name")));
  if (name && selector) errors.push(at.child("name").forbidden("name and selector are mutually exclusive"));
  if (!name && !selector) errors.push(at.required("one of name or selector must be specified"));
  errors.push(...validateLabelSelector(selector, at.child("selector")));
  if (parameterNotFoundAction === undefined) errors.push(at.child("parameterNotFoundAction").required());
  else errors.push(...validateOneOf(parameterNotFoundAction, ["Allow", "Deny"], at.child("parameterNotFoundAction")));
  return errors;
}

/** "v1/ConfigMap" */
export function paramKindText(kind: ParamKind | undefined): string {
  return kind ? `${kind.apiVersion ?? ""}/${kind.kind ?? ""}` : "<unset>";
}

/** "namespace/name" */
export function paramRefText(ref: ParamRef | undefined): string {
  if (!ref) return "<unset>";
  return [ref.namespace, ref.name ?? "*"].filter(Boolean).join("/");
}
