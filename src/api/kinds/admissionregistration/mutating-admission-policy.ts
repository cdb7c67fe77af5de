import { defineKind } from "../../kind.ts";
import type { MutatingAdmissionPolicy } from "../../schema/types.ts";

export const mutatingAdmissionPolicy = defineKind<MutatingAdmissionPolicy>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "MutatingAdmissionPolicy",
  plural: "mutatingadmissionpolicies",
  categories: ["api-extensions"],
  scope: "Cluster",
});
