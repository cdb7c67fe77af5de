import { defineKind } from "../../kind.ts";
import type { VolumeAttributesClass } from "../../schema/types.ts";

export const volumeAttributesClass = defineKind<VolumeAttributesClass>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "VolumeAttributesClass",
  plural: "volumeattributesclasses",
  shortNames: ["vac"],
  scope: "Cluster",
});
