import { defineKind } from "../../kind.ts";
import type { Role } from "../../schema/types.ts";

export const role = defineKind<Role>({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  kind: "Role",
  plural: "roles",
  scope: "Namespaced",
});
