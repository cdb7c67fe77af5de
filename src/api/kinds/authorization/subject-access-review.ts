import { defineKind } from "../../kind.ts";

export const subjectAccessReview = defineKind({
  group: "authorization.k8s.io",
  version: "v1",
  kind: "SubjectAccessReview",
  plural: "subjectaccessreviews",
  scope: "Cluster",
  action: "subjectaccessreviews",
});
