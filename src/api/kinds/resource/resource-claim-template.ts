import { defineKind } from "../../kind.ts";
import type { ResourceClaimTemplate } from "../../schema/types.ts";

export const resourceClaimTemplate = defineKind<ResourceClaimTemplate>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceClaimTemplate",
  plural: "resourceclaimtemplates",
  scope: "Namespaced",
});
