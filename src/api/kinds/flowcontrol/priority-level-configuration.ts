import { defineKind } from "../../kind.ts";

export const priorityLevelConfiguration = defineKind({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "PriorityLevelConfiguration",
  plural: "prioritylevelconfigurations",
  scope: "Cluster",
  subresources: {
    status: true,
  },
});
