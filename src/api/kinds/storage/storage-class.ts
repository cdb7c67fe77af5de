import { defineKind } from "../../kind.ts";
import type { StorageClass } from "../../schema/types.ts";

export const storageClass = defineKind<StorageClass>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "StorageClass",
  plural: "storageclasses",
  shortNames: ["sc"],
  scope: "Cluster",
});
