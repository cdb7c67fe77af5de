import { defineKind } from "../../kind.ts";

export const selfSubjectAccessReview = defineKind({
  group: "authorization.k8s.io",
  version: "v1",
  kind: "SelfSubjectAccessReview",
  plural: "selfsubjectaccessreviews",
  scope: "Cluster",
  action: "selfsubjectaccessreviews",
});
