import { defineKind } from "../../kind.ts";
import type { ReplicationController } from "../../schema/types.ts";

export const replicationController = defineKind<ReplicationController>({
  group: "",
  version: "v1",
  kind: "ReplicationController",
  plural: "replicationcontrollers",
  shortNames: ["rc"],
  categories: ["all"],
  scope: "Namespaced",
  subresources: {
    scale: { specReplicas: "spec.replicas", statusReplicas: "status.replicas", selector: "spec.selector" },
    status: true,
  },
});
