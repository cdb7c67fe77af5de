import { defineKind } from "../../kind.ts";

export const selfSubjectReview = defineKind({
  group: "authentication.k8s.io",
  version: "v1",
  kind: "SelfSubjectReview",
  plural: "selfsubjectreviews",
  scope: "Cluster",
  action: "selfsubjectreviews",
});
