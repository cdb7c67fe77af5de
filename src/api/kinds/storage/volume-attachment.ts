import { defineKind } from "../../kind.ts";
import type { VolumeAttachment } from "../../schema/types.ts";

export const volumeAttachment = defineKind<VolumeAttachment>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "VolumeAttachment",
  plural: "volumeattachments",
  scope: "Cluster",
  subresources: {
    status: true,
  },
});
