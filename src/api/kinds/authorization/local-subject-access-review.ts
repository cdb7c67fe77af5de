import { defineKind } from "../../kind.ts";
import type { LocalSubjectAccessReview } from "../../schema/types.ts";

export const localSubjectAccessReview = defineKind<LocalSubjectAccessReview>({
  group: "authorization.k8s.io",
  version: "v1",
  kind: "LocalSubjectAccessReview",
  plural: "localsubjectaccessreviews",
  scope: "Namespaced",
  action: "localsubjectaccessreviews",
});
