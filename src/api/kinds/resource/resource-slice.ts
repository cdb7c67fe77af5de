import { defineKind } from "../../kind.ts";
import type { ResourceSlice } from "../../schema/types.ts";

export const resourceSlice = defineKind<ResourceSlice>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceSlice",
  plural: "resourceslices",
  scope: "Cluster",
});
