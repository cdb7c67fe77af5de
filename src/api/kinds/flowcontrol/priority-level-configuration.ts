import { defineKind } from "../../kind.ts";
import type { PriorityLevelConfiguration } from "../../schema/types.ts";

export const priorityLevelConfiguration = defineKind<PriorityLevelConfiguration>({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "PriorityLevelConfiguration",
  plural: "prioritylevelconfigurations",
  scope: "Cluster",
  subresources: {
    status: true,
  },
});
