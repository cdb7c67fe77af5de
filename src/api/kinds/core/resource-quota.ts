import { defineKind } from "../../kind.ts";
import type { ResourceQuota } from "../../schema/types.ts";

export const resourceQuota = defineKind<ResourceQuota>({
  group: "",
  version: "v1",
  kind: "ResourceQuota",
  plural: "resourcequotas",
  shortNames: ["quota"],
  scope: "Namespaced",
  subresources: { status: true },
});
