import { defineKind } from "../../kind.ts";
import type { Role } from "../../schema/types.ts";
import { pathSegment } from "../../validate/names.ts";
import { rbacGroup, validateRules } from "./rules.ts";

export const role = defineKind<Role>({
  group: rbacGroup,
  version: "v1",
  kind: "Role",
  plural: "roles",
  scope: "Namespaced",
  type: "io.k8s.api.rbac.v1.Role",
  createOnUpdate: true,
  validateName: pathSegment,
  judgedTwice: "whole",
  validate: ({ rules }, root) => validateRules(rules, { namespaced: true, root }),
});
