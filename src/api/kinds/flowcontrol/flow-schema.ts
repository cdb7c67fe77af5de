import { defineKind } from "../../kind.ts";
import type { FlowSchema } from "../../schema/types.ts";

export const flowSchema = defineKind<FlowSchema>({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "FlowSchema",
  plural: "flowschemas",
  scope: "Cluster",
  subresources: {
    status: true,
  },
});
