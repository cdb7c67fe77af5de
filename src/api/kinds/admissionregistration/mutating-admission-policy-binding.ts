import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { MutatingAdmissionPolicyBinding } from "../../schema/types.ts";
import { dnsSubdomain } from "../../validate/names.ts";
import { validateText } from "../../validate/values.ts";
import { paramRefText, setMatchDefaults, validateMatchResources, validateParamRef } from "./match.ts";

export const mutatingAdmissionPolicyBinding = defineKind<MutatingAdmissionPolicyBinding>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "MutatingAdmissionPolicyBinding",
  plural: "mutatingadmissionpolicybindings",
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
    const { policyName = "", paramRef, matchResources } = spec ?? {};
    return [
      ...(policyName
        ? validateText(dnsSubdomain, policyName, at.child("policyName"))
        : [at.child("policyName").required()]),
      ...validateParamRef(paramRef, at.child("paramRef")),
      ...(matchResources ? validateMatchResources(matchResources, at.child("matchResources")) : []),
    ];
  },
});
