import { defineKind } from "../../kind.ts";
import type { TokenReview } from "../../schema/types.ts";

export const tokenReview = defineKind<TokenReview>({
  group: "authentication.k8s.io",
  version: "v1",
  kind: "TokenReview",
  plural: "tokenreviews",
  scope: "Cluster",
  action: "tokenreviews",
});
