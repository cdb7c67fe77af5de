import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import type { Column } from "../../kind.ts";
import type { KubeObject } from "../../object.ts";
import type { MatchResources, ParamRef } from "../../schema/types.ts";
import { validateLabelSelector } from "../../validate/labels.ts";
import { dnsSubdomain, pathSegment } from "../../validate/names.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";
import { validateMatchResources } from "./match.ts";

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

function validateParamRef(ref: ParamRef | undefined, at: Path): FieldError[] {
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

/** "namespace/name" */
function paramRefText(ref: ParamRef | undefined): string {
  if (!ref) return "<unset>";
  return [ref.namespace, ref.name ?? "*"].filter(Boolean).join("/");
}
