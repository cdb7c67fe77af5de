import { defineKind } from "../../kind.ts";
import type { CSINode } from "../../schema/types.ts";

export const csiNode = defineKind<CSINode>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSINode",
  plural: "csinodes",
  scope: "Cluster",
});
