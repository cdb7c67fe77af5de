import { defineKind } from "../../kind.ts";
import type { ClusterRole } from "../../schema/types.ts";
import { pathSegment } from "../../validate/names.ts";
import { rbacGroup, validateAggregation, validateRules } from "./rules.ts";

export const clusterRole = defineKind<ClusterRole>({
  group: rbacGroup,
  version: "v1",
  kind: "ClusterRole",
  plural: "clusterroles",
  scope: "Cluster",
  type: "io.k8s.api.rbac.v1.ClusterRole",
  createOnUpdate: true,
  validateName: pathSegment,
  judgedTwice: "whole",
  validate: ({ rules, aggregationRule }, root) => [
    ...validateRules(rules, { namespaced: false, root }),
    ...validateAggregation(aggregationRule, root),
  ],
});
