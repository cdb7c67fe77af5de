import { defineKind } from "../../kind.ts";
import type { ClusterRoleBinding } from "../../schema/types.ts";

export const clusterRoleBinding = defineKind<ClusterRoleBinding>({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  kind: "ClusterRoleBinding",
  plural: "clusterrolebindings",
  scope: "Cluster",
});
