import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { ValidatingAdmissionPolicyBinding } from "../../schema/types.ts";
import { dnsSubdomain } from "../../validate/names.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";
import { paramRefText, setMatchDefaults, validateMatchResources, validateParamRef } from "./match.ts";

export const validatingAdmissionPolicyBinding = defineKind<ValidatingAdmissionPolicyBinding>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingAdmissionPolicyBinding",
  plural: "validatingadmissionpolicybindings",
  categories: ["api-extensions"],
  scope: "Cluster",
  generation: true,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    { name: "PolicyName", type: "string", cell: ({ spec }) => spec?.policyName ?? "" },
    { name: "ParamRef", type: "string", cell: ({ spec }) => paramRefText(spec?.paramRef) },
    ageColumn,
  ],

  defaults: ({ spec }) => setMatchDefaults(spec?.matchResources),

  validate({ spec }, root) {
    const at = root.child("spec");
    const { policyName = "", paramRef, matchResources, validationActions = [] } = spec ?? {};
    return [
      ...(policyName
        ? validateText(dnsSubdomain, policyName, at.child("policyName"))
        : [at.child("policyName").required()]),
      ...validateParamRef(paramRef, at.child("paramRef")),
      ...(matchResources ? validateMatchResources(matchResources, at.child("matchResources")) : []),
      ...validateActions(validationActions, at.child("validationActions")),
    ];
  },
});

function validateActions(actions: readonly string[], at: Path): FieldError[] {
  if (actions.length === 0) return [at.required("at least one validation action is required")];
  return [
    ...actions.flatMap((action, i) => [
      ...validateOneOf(action, ["Audit", "Deny", "Warn"], at.index(i)),
      ...(actions.indexOf(action) < i ? [at.index(i).duplicate(action)] : []),
    ]),
    ...(actions.includes("Deny") && actions.includes("Warn")
      ? [
          at.invalid(
            actions,
            "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)",
          ),
        ]
      : []),
  ];
}
