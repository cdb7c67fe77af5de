import { defineKind } from "../../kind.ts";

export const selfSubjectRulesReview = defineKind({
  group: "authorization.k8s.io",
  version: "v1",
  kind: "SelfSubjectRulesReview",
  plural: "selfsubjectrulesreviews",
  scope: "Cluster",
  action: "selfsubjectrulesreviews",
});
