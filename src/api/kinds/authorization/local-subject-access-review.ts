import { defineKind } from "../../kind.ts";

export const localSubjectAccessReview = defineKind({
  group: "authorization.k8s.io",
  version: "v1",
  kind: "LocalSubjectAccessReview",
  plural: "localsubjectaccessreviews",
  scope: "Namespaced",
  action: "localsubjectaccessreviews",
});
