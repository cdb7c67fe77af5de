import { defineKind } from "../../kind.ts";
import type { SubjectAccessReview } from "../../schema/types.ts";

export const subjectAccessReview = defineKind<SubjectAccessReview>({
  group: "authorization.k8s.io",
  version: "v1",
  kind: "SubjectAccessReview",
  plural: "subjectaccessreviews",
  scope: "Cluster",
  action: "subjectaccessreviews",
});
