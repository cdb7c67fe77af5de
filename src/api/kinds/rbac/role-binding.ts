import { defineKind } from "../../kind.ts";
import type { RoleBinding } from "../../schema/types.ts";

export const roleBinding = defineKind<RoleBinding>({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  kind: "RoleBinding",
  plural: "rolebindings",
  scope: "Namespaced",
});
