import { defineKind } from "../../kind.ts";
import type { ClusterRole } from "../../schema/types.ts";

export const clusterRole = defineKind<ClusterRole>({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  kind: "ClusterRole",
  plural: "clusterroles",
  scope: "Cluster",
});
