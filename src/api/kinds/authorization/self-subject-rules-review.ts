import { defineKind } from "../../kind.ts";
import type { SelfSubjectRulesReview } from "../../schema/types.ts";

export const selfSubjectRulesReview = defineKind<SelfSubjectRulesReview>({
  group: "authorization.k8s.io",
  version: "v1",
  kind: "SelfSubjectRulesReview",
  plural: "selfsubjectrulesreviews",
  scope: "Cluster",
  action: "selfsubjectrulesreviews",
});
