import { defineKind } from "../../kind.ts";
import type { ClusterRoleBinding } from "../../schema/types.ts";
import { pathSegment } from "../../validate/names.ts";
import { bindingColumns } from "./bindings-table.ts";
import { rbacGroup, setBindingDefaults, validateBinding, validateSameRole } from "./rules.ts";

export const clusterRoleBinding = defineKind<ClusterRoleBinding>({
  group: rbacGroup,
  version: "v1",
  kind: "ClusterRoleBinding",
  plural: "clusterrolebindings",
  scope: "Cluster",
  type: "io.k8s.api.rbac.v1.ClusterRoleBinding",
  createOnUpdate: true,
  validateName: pathSegment,
  judgedTwice: "whole",
  columns: bindingColumns,
  defaults: setBindingDefaults,
  validate: (binding, root) => validateBinding(binding, { namespaced: false, root }),
  validateUpdate: validateSameRole,
});
