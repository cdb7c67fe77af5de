import { defineKind } from "../../kind.ts";
import type { ValidatingAdmissionPolicy } from "../../schema/types.ts";

export const validatingAdmissionPolicy = defineKind<ValidatingAdmissionPolicy>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingAdmissionPolicy",
  plural: "validatingadmissionpolicies",
  categories: ["api-extensions"],
  scope: "Cluster",
  subresources: {
    status: true,
  },
});
