import { defineKind } from "../../kind.ts";

export const volumeAttachment = defineKind({
  group: "storage.k8s.io",
  version: "v1",
  kind: "VolumeAttachment",
  plural: "volumeattachments",
  scope: "Cluster",
  subresources: {
    status: true,
  },
});
