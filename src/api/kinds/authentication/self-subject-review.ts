import { defineKind } from "../../kind.ts";
import type { SelfSubjectReview } from "../../schema/types.ts";

export const selfSubjectReview = defineKind<SelfSubjectReview>({
  group: "authentication.k8s.io",
  version: "v1",
  kind: "SelfSubjectReview",
  plural: "selfsubjectreviews",
  scope: "Cluster",
  action: "selfsubjectreviews",
});
