import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import type { Column } from "../../kind.ts";
import type { KubeObject } from "../../object.ts";
import type { MatchResources, ParamRef } from "../../schema/types.ts";
import { dnsSubdomain } from "../../validate/names.ts";
import { validateText } from "../../validate/values.ts";
import { paramRefText, validateMatchResources, validateParamRef } from "./match.ts";

/** What bindings of either sort of admission policy say. */
export interface BindingSpec {
  policyName?: string;
  paramRef?: ParamRef;
  matchResources?: MatchResources;
}

export const policyBindingColumns: readonly Column<KubeObject & { spec?: BindingSpec }>[] = [
  nameColumn,
  { name: "PolicyName", type: "string", cell: ({ spec }) => spec?.policyName ?? "" },
  { name: "ParamRef", type: "string", cell: ({ spec }) => paramRefText(spec?.paramRef) },
  ageColumn,
];

export function validatePolicyBinding(
  { policyName = "", paramRef, matchResources }: BindingSpec,
  at: Path,
): FieldError[] {
  const policy = at.child("policyName");
  return [
    ...(policyName ? validateText(dnsSubdomain, policyName, policy) : [policy.required()]),
    ...validateParamRef(paramRef, at.child("paramRef")),
    ...(matchResources ? validateMatchResources(matchResources, at.child("matchResources")) : []),
  ];
}
