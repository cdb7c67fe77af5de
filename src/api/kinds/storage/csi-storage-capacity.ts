import { defineKind } from "../../kind.ts";
import type { CSIStorageCapacity } from "../../schema/types.ts";

export const csiStorageCapacity = defineKind<CSIStorageCapacity>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSIStorageCapacity",
  plural: "csistoragecapacities",
  scope: "Namespaced",
});
