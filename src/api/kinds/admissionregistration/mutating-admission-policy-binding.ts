import { defineKind } from "../../kind.ts";
import type { MutatingAdmissionPolicyBinding } from "../../schema/types.ts";
import { policyBindingColumns, validatePolicyBinding } from "./binding.ts";
import { setMatchDefaults, validateMutable } from "./match.ts";

export const mutatingAdmissionPolicyBinding = defineKind<MutatingAdmissionPolicyBinding>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "MutatingAdmissionPolicyBinding",
  plural: "mutatingadmissionpolicybindings",
  categories: ["api-extensions"],
  scope: "Cluster",
  generation: true,
  unconditionalUpdate: false,
  columns: policyBindingColumns,

  defaults: ({ spec }) => setMatchDefaults(spec?.matchResources),

  validate: ({ spec = {} }, root) => [
    ...validatePolicyBinding(spec, root.child("spec")),
    ...(spec.matchResources ? validateMutable(spec.matchResources, root.child("spec", "matchResources")) : []),
  ],
});
