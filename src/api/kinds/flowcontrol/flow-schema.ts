import { defineKind } from "../../kind.ts";

export const flowSchema = defineKind({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "FlowSchema",
  plural: "flowschemas",
  scope: "Cluster",
  subresources: {
    status: true,
  },
});
