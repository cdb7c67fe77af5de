import { type AdmissionScope, applyConfigurationType, jsonPatchesType, mutationStructs } from "../../cel/admission.ts";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { MutatingAdmissionPolicy, Mutation } from "../../schema/types.ts";
import { validateOneOf } from "../../validate/values.ts";
import {
  paramKindText,
  setMatchDefaults,
  validateExpression,
  validateFailurePolicy,
  validateMatchConditions,
  validateMatchResources,
  validateMutable,
  validateParamKind,
  validateVariables,
  variableTypes,
} from "./match.ts";

export const mutatingAdmissionPolicy = defineKind<MutatingAdmissionPolicy>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "MutatingAdmissionPolicy",
  plural: "mutatingadmissionpolicies",
  categories: ["api-extensions"],
  scope: "Cluster",
  generation: true,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    { name: "Mutations", type: "integer", cell: ({ spec }) => spec?.mutations?.length ?? 0 },
    { name: "ParamKind", type: "string", cell: ({ spec }) => paramKindText(spec?.paramKind) },
    ageColumn,
  ],

  defaults(policy) {
    policy.spec ??= {};
    policy.spec.failurePolicy ??= "Fail";
    setMatchDefaults(policy.spec.matchConstraints);
  },

  validate({ spec }, root) {
    const at = root.child("spec");
    const { matchConstraints, mutations = [], reinvocationPolicy } = spec;
    const scope = { hasParams: spec.paramKind !== undefined, hasNamespace: true };
    const named = { ...scope, variables: variableTypes(spec.variables, scope), structs: mutationStructs };
    return [
      ...validateFailurePolicy(spec.failurePolicy, at),
      ...validateParamKind(spec.paramKind, at.child("paramKind")),
      ...(matchConstraints
        ? [
            ...validateMatchResources(matchConstraints, at.child("matchConstraints")),
            ...validateMutable(matchConstraints, at.child("matchConstraints")),
            ...(matchConstraints.resourceRules?.length
              ? []
              : [at.child("matchConstraints", "resourceRules").required()]),
          ]
        : [at.child("matchConstraints").required()]),
      ...validateMatchConditions(spec.matchConditions, at.child("matchConditions"), scope),
      ...validateVariables(spec.variables, at.child("variables"), scope),
      ...(mutations.length === 0
        ? [at.child("mutations").required("mutations must contain at least one item")]
        : mutations.flatMap((mutation, i) => validateMutation(mutation, at.child("mutations").index(i), named))),
      ...(reinvocationPolicy
        ? validateOneOf(reinvocationPolicy, ["IfNeeded", "Never"], at.child("reinvocationPolicy"))
        : [at.child("reinvocationPolicy").required()]),
    ];
  },
});

function validateMutation(
  { patchType, applyConfiguration, jsonPatch }: Mutation,
  at: Path,
  scope: AdmissionScope,
): FieldError[] {
  const place = at.child("patchType");
  switch (patchType) {
    case "ApplyConfiguration":
      return [
        ...(applyConfiguration
          ? validateExpression(applyConfiguration.expression, at.child("applyConfiguration", "expression"), {
              scope,
              wanted: [applyConfigurationType],
            })
          : [at.child("applyConfiguration").required("must be specified when patchType is ApplyConfiguration")]),
        ...(jsonPatch ? [forbiddenBeside("jsonPatch", patchType, at)] : []),
      ];
    case "JSONPatch":
      return [
        ...(jsonPatch
          ? validateExpression(jsonPatch.expression, at.child("jsonPatch", "expression"), {
              scope,
              wanted: [jsonPatchesType],
            })
          : [at.child("jsonPatch").required("must be specified when patchType is JSONPatch")]),
        ...(applyConfiguration ? [forbiddenBeside("applyConfiguration", patchType, at)] : []),
      ];
    default:
      return patchType ? validateOneOf(patchType, ["ApplyConfiguration", "JSONPatch"], place) : [place.required()];
  }
}

function forbiddenBeside(field: string, patchType: string, at: Path): FieldError {
  return at.child(field).invalid(`{${field}}`, `must not be specified when patchType is ${patchType}`);
}
