import { type AdmissionScope, compileAdmission } from "../../cel/admission.ts";
import { CompileError } from "../../cel/expression.ts";
import { dyn, type Type } from "../../cel/types.ts";
import type { FieldError, Path } from "../../field.ts";
import type { Column } from "../../kind.ts";
import type { KubeObject } from "../../object.ts";
import type { MatchCondition, MatchResources, ParamKind, Variable } from "../../schema/types.ts";
import { cIdentifier, dnsLabel1035, dnsSubdomain } from "../../validate/names.ts";
import {
  setMatchDefaults,
  validateExpression,
  validateFailurePolicy,
  validateMatchConditions,
  validateMatchResources,
  validateMutable,
} from "./match.ts";

/** What admission policies of either sort say (API reference, "ValidatingAdmissionPolicySpec"). */
export interface PolicySpec {
  failurePolicy?: string;
  matchConditions?: MatchCondition[];
  matchConstraints?: MatchResources;
  paramKind?: ParamKind;
  variables?: Variable[];
}

export const paramKindColumn: Column<KubeObject & { spec?: PolicySpec }> = {
  name: "ParamKind",
  type: "string",
  cell: ({ spec }) => paramKindText(spec?.paramKind),
};

export function setPolicyDefaults(policy: { spec?: PolicySpec }): void {
  policy.spec ??= {};
  policy.spec.failurePolicy ??= "Fail";
  setMatchDefaults(policy.spec.matchConstraints);
}

/** What the conditions of a policy, and its variables, may speak of. */
export function conditionScope({ paramKind }: PolicySpec): {
  readonly hasParams: boolean;
  readonly hasNamespace: true;
} {
  return { hasParams: paramKind !== undefined, hasNamespace: true };
}

/** What its other expressions may speak of. */
export function policyScope(spec: PolicySpec) {
  const scope = conditionScope(spec);
  return { ...scope, variables: variableTypes(spec.variables, scope) };
}

/** What is wrong with what both sorts of policies say. `isMutating`: whether it changes objects, which leaves out deletions. */
export function validatePolicy(spec: PolicySpec, at: Path, { isMutating }: { isMutating: boolean }): FieldError[] {
  const scope = conditionScope(spec);
  return [
    ...validateFailurePolicy(spec.failurePolicy, at),
    ...validateParamKind(spec.paramKind, at.child("paramKind")),
    ...validateConstraints(spec.matchConstraints, at.child("matchConstraints"), isMutating),
    ...validateMatchConditions(spec.matchConditions, at.child("matchConditions"), scope),
    ...validateVariables(spec.variables, at.child("variables"), scope),
  ];
}

function validateConstraints(match: MatchResources | undefined, at: Path, isMutating: boolean): FieldError[] {
  if (!match) return [at.required()];
  return [
    ...validateMatchResources(match, at),
    ...(isMutating ? validateMutable(match, at) : []),
    ...(match.resourceRules?.length ? [] : [at.child("resourceRules").required()]),
  ];
}

/** Words that mean something in CEL, or may come to. */
const celWords = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

function validateVariables(variables: readonly Variable[] = [], at: Path, scope: AdmissionScope = {}): FieldError[] {
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

function validateParamKind(kind: ParamKind | undefined, at: Path): FieldError[] {
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

/** "v1/ConfigMap" */
function paramKindText(kind: ParamKind | undefined): string {
  return kind ? `${kind.apiVersion ?? ""}/${kind.kind ?? ""}` : "<unset>";
}
