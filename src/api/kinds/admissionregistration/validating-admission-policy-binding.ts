import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { ValidatingAdmissionPolicyBinding } from "../../schema/types.ts";
import { validateOneOf } from "../../validate/values.ts";
import { policyBindingColumns, validatePolicyBinding } from "./binding.ts";
import { setMatchDefaults } from "./match.ts";

export const validatingAdmissionPolicyBinding = defineKind<ValidatingAdmissionPolicyBinding>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingAdmissionPolicyBinding",
  plural: "validatingadmissionpolicybindings",
  categories: ["api-extensions"],
  scope: "Cluster",
  generation: true,
  unconditionalUpdate: false,
  columns: policyBindingColumns,

  defaults: ({ spec }) => setMatchDefaults(spec?.matchResources),

  validate: ({ spec = {} }, root) => [
    ...validatePolicyBinding(spec, root.child("spec")),
    ...validateActions(spec.validationActions ?? [], root.child("spec", "validationActions")),
  ],
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
