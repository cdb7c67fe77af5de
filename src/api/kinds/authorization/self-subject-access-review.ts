import { defineKind } from "../../kind.ts";
import type { SelfSubjectAccessReview } from "../../schema/types.ts";

export const selfSubjectAccessReview = defineKind<SelfSubjectAccessReview>({
  group: "authorization.k8s.io",
  version: "v1",
  kind: "SelfSubjectAccessReview",
  plural: "selfsubjectaccessreviews",
  scope: "Cluster",
  action: "selfsubjectaccessreviews",
});
