import { defineKind } from "../../kind.ts";
import type { RoleBinding } from "../../schema/types.ts";
import { pathSegment } from "../../validate/names.ts";
import { bindingColumns } from "./bindings-table.ts";
import { rbacGroup, setBindingDefaults, validateBinding, validateSameRole } from "./rules.ts";

export const roleBinding = defineKind<RoleBinding>({
  group: rbacGroup,
  version: "v1",
  kind: "RoleBinding",
  plural: "rolebindings",
  scope: "Namespaced",
  type: "io.k8s.api.rbac.v1.RoleBinding",
  createOnUpdate: true,
  validateName: pathSegment,
  judgedTwice: "whole",
  columns: bindingColumns,
  defaults: setBindingDefaults,
  validate: (binding, root) => validateBinding(binding, { namespaced: true, root }),
  validateUpdate: validateSameRole,
});
