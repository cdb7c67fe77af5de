import { type AdmissionScope, applyConfigurationType, jsonPatchesType, mutationStructs } from "../../cel/admission.ts";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { MutatingAdmissionPolicy, Mutation } from "../../schema/types.ts";
import { validateOneOf } from "../../validate/values.ts";
import { validateExpression } from "./match.ts";
import { paramKindColumn, policyScope, setPolicyDefaults, validatePolicy } from "./policy.ts";

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
    paramKindColumn,
    ageColumn,
  ],

  defaults: setPolicyDefaults,

  validate({ spec }, root) {
    const at = root.child("spec");
    const { mutations = [], reinvocationPolicy } = spec;
    const scope = { ...policyScope(spec), structs: mutationStructs };
    return [
      ...validatePolicy(spec, at, { isMutating: true }),
      ...(mutations.length === 0
        ? [at.child("mutations").required("mutations must contain at least one item")]
        : mutations.flatMap((mutation, i) => validateMutation(mutation, at.child("mutations").index(i), scope))),
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
