import { defineKind } from "../../kind.ts";

export const tokenReview = defineKind({
  group: "authentication.k8s.io",
  version: "v1",
  kind: "TokenReview",
  plural: "tokenreviews",
  scope: "Cluster",
  action: "tokenreviews",
});
