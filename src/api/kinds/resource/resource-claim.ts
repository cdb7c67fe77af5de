import { defineKind } from "../../kind.ts";

export const resourceClaim = defineKind({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceClaim",
  plural: "resourceclaims",
  scope: "Namespaced",
  subresources: {
    status: true,
  },
});
