import { type AdmissionScope, compileAdmission } from "../../cel/admission.ts";
import { CompileError } from "../../cel/expression.ts";
import { bool, type Type } from "../../cel/types.ts";
import type { FieldError, Path } from "../../field.ts";
import type {
  MatchCondition,
  MatchResources,
  NamedRuleWithOperations,
  RuleWithOperations,
} from "../../schema/types.ts";
import { validateLabelSelector } from "../../validate/labels.ts";
import { pathSegment, qualifiedName } from "../../validate/names.ts";
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
  const errors = resources.flatMap((resource, i) =>
    resource === "" ? [at.index(i).required()] : validateNotCovered(resource, resources.slice(0, i), at.index(i)),
  );
  if (resources.length > 1 && resources.includes("*/*"))
    errors.push(at.invalid(resources, "if '*/*' is present, must not specify other resources"));
  // Kubernetes looks at the last one without a subresource alone.
  const last = resources.findLast((resource) => resource !== "" && !resource.includes("/"));
  if (resources.includes("*") && last !== "*")
    errors.push(at.invalid(resources, "if '*' is present, must not specify other resources without subresources"));
  return errors;
}

// What comes before a resource must not mean it already: "pods/*" before "pods/log", "*/log" before it too.
function validateNotCovered(resource: string, before: readonly string[], at: Path): FieldError[] {
  const slash = resource.indexOf("/");
  if (slash < 0) return [];
  return [`${resource.slice(0, slash)}/*`, `*/${resource.slice(slash + 1)}`]
    .filter((wild) => before.includes(wild))
    .map((wild) => at.invalid(resource, `if '${wild}' is present, must not specify ${resource}`));
}

/** A rule that may be about objects of certain names. */
function validateNamedRule(rule: NamedRuleWithOperations, at: Path): FieldError[] {
  const names = rule.resourceNames ?? [];
  const place = at.child("resourceNames");
  return [
    ...names.flatMap((name, i) => [
      ...validateText(pathSegment, name, place.index(i)),
      ...(names.indexOf(name) < i ? [place.index(i).duplicate(name)] : []),
    ]),
    ...validateRule(rule, at),
  ];
}

export function validateMatchResources(match: MatchResources, at: Path): FieldError[] {
  const { matchPolicy, namespaceSelector, objectSelector, resourceRules = [], excludeResourceRules = [] } = match;
  return [
    ...validateMatchPolicy(matchPolicy, at),
    ...validateLabelSelector(namespaceSelector, at.child("namespaceSelector")),
    ...validateLabelSelector(objectSelector, at.child("objectSelector")),
    ...resourceRules.flatMap((rule, i) => validateNamedRule(rule, at.child("resourceRules").index(i))),
    ...excludeResourceRules.flatMap((rule, i) => validateNamedRule(rule, at.child("excludeResourceRules").index(i))),
  ];
}

/** What is being deleted cannot be changed on its way. */
export function validateMutable({ resourceRules = [] }: MatchResources, at: Path): FieldError[] {
  const mutable = operations.filter((operation) => operation !== "DELETE");
  const place = at.child("resourceRules", "operations");
  return resourceRules.flatMap((rule) =>
    (rule.operations ?? []).flatMap((operation) => validateOneOf(operation, mutable, place)),
  );
}

export function validateMatchPolicy(policy: string | undefined, at: Path): FieldError[] {
  return policy === undefined ? [] : validateOneOf(policy, ["Equivalent", "Exact"], at.child("matchPolicy"));
}

export function validateFailurePolicy(policy: string | undefined, at: Path): FieldError[] {
  return policy === undefined ? [] : validateOneOf(policy, ["Fail", "Ignore"], at.child("failurePolicy"));
}

export function validateMatchConditions(
  conditions: readonly MatchCondition[] = [],
  at: Path,
  scope: AdmissionScope = {},
): FieldError[] {
  const names = conditions.map(({ name }) => name);
  return [
    ...(conditions.length > maxMatchConditions ? [at.tooMany(conditions.length, maxMatchConditions)] : []),
    ...conditions.flatMap(({ name = "", expression }, i) => [
      ...validateExpression(expression, at.index(i).child("expression"), { scope, wanted: [bool] }),
      ...(name ? validateText(qualifiedName, name, at.index(i).child("name")) : [at.index(i).child("name").required()]),
      ...(name && names.indexOf(name) < i ? [at.index(i).child("name").duplicate(name)] : []),
    ]),
  ];
}

/**
 * What is wrong with an expression. `scope`: what it may speak of; it is only asked for where none is given. `asWritten`: it is
 * read and shown with the blanks around it.
 */
export function validateExpression(
  expression: string | undefined,
  at: Path,
  {
    scope,
    wanted,
    asWritten = false,
    otherwise = "",
  }: {
    readonly scope?: AdmissionScope;
    readonly wanted?: readonly Type[];
    readonly asWritten?: boolean;
    readonly otherwise?: string;
  } = {},
): FieldError[] {
  const text = asWritten ? expression : expression?.trim();
  if (!text?.trim()) return [at.required(otherwise)];
  if (!scope) return [];
  try {
    compileAdmission(text, { ...scope, ...(wanted && { wanted }) });
    return [];
  } catch (error) {
    if (error instanceof CompileError) return [at.invalid(text, error.message)];
    throw error;
  }
}
