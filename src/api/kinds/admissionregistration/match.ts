import { type AdmissionScope, compileAdmission } from "../../cel/admission.ts";
import { CompileError } from "../../cel/expression.ts";
import { bool, dyn, type Type } from "../../cel/types.ts";
import type { FieldError, Path } from "../../field.ts";
import type {
  MatchCondition,
  MatchResources,
  NamedRuleWithOperations,
  ParamKind,
  ParamRef,
  RuleWithOperations,
  Variable,
} from "../../schema/types.ts";
import { validateLabelSelector } from "../../validate/labels.ts";
import { cIdentifier, dnsLabel1035, dnsSubdomain, pathSegment, qualifiedName } from "../../validate/names.ts";
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

/** Words that mean something in CEL, or may come to. */
const celWords = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

export function validateVariables(
  variables: readonly Variable[] = [],
  at: Path,
  scope: AdmissionScope = {},
): FieldError[] {
  const known = new Map<string, Type>();
  return variables.flatMap(({ name = "", expression }, i) => {
    const place = at.index(i).child("name");
    const inScope = { ...scope, variables: new Map(known) };
    known.set(name, typeOfVariable(expression ?? "", inScope));
    return [
      ...(name.trim() === "" ? [place.required("name is not specified")] : []),
      ...(name.trim() && (cIdentifier(name).length > 0 || celWords.has(name))
        ? [place.invalid(name, "must be a valid CEL identifier")]
        : []),
      ...validateExpression(expression, at.index(i).child("expression"), {
        scope: inScope,
        asWritten: true,
        otherwise: "expression is not specified",
      }),
    ];
  });
}

/** The types of a policy's variables; each may speak of those before it. What is wrong with one is said elsewhere. */
export function variableTypes(variables: readonly Variable[] = [], scope: AdmissionScope = {}): Map<string, Type> {
  const known = new Map<string, Type>();
  for (const { name = "", expression = "" } of variables)
    known.set(name, typeOfVariable(expression, { ...scope, variables: new Map(known) }));
  return known;
}

function typeOfVariable(expression: string, scope: AdmissionScope): Type {
  try {
    return compileAdmission(expression, scope).type;
  } catch (error) {
    if (error instanceof CompileError) return dyn;
    throw error;
  }
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

export function validateParamKind(kind: ParamKind | undefined, at: Path): FieldError[] {
  if (!kind) return [];
  const wrongKind = dnsLabel1035((kind.kind ?? "").toLowerCase());
  return [
    ...(kind.apiVersion
      ? validateGroupVersion(kind.apiVersion, at.child("apiVersion"))
      : [at.child("apiVersion").required()]),
    ...(kind.kind ? [] : [at.child("kind").required()]),
    ...(kind.kind && wrongKind.length > 0
      ? [at.child("kind").invalid(kind.kind, `may have mixed case, but should otherwise match: ${wrongKind.join(",")}`)]
      : []),
  ];
}

function validateGroupVersion(text: string, at: Path): FieldError[] {
  const parts = text === "/" ? [""] : text.split("/");
  if (parts.length > 2) return [at.invalid(text, `unexpected GroupVersion string: ${text}`)];
  const version = parts.at(-1) ?? "";
  const group = parts.length === 2 ? (parts[0] ?? "") : "";
  const [wrongGroup, wrongVersion] = [group ? dnsSubdomain(group) : [], version ? dnsLabel1035(version) : []];
  return [
    ...(wrongGroup.length > 0 ? [at.invalid(group, wrongGroup.join(","))] : []),
    ...(version === "" ? [at.invalid(text, "version must be specified")] : []),
    ...(wrongVersion.length > 0 ? [at.invalid(version, wrongVersion.join(","))] : []),
  ];
}

export function validateParamRef(ref: ParamRef | undefined, at: Path): FieldError[] {
  if (!ref) return [];
  const { name, selector, parameterNotFoundAction } = ref;
  const errors: FieldError[] = [];
  if (name) errors.push(...validateText(pathSegment, name, at.child("name")));
  if (name && selector) errors.push(at.child("name").forbidden("name and selector are mutually exclusive"));
  errors.push(...validateLabelSelector(selector, at.child("selector")));
  if (name && selector) errors.push(at.child("selector").forbidden("name and selector are mutually exclusive"));
  if (!name && !selector) errors.push(at.required("one of name or selector must be specified"));
  const action = at.child("parameterNotFoundAction");
  if (parameterNotFoundAction) errors.push(...validateOneOf(parameterNotFoundAction, ["Deny", "Allow"], action));
  else errors.push(action.required());
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
