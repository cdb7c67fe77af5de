import { defineKind } from "../../kind.ts";
import type { CSIDriver } from "../../schema/types.ts";

export const csiDriver = defineKind<CSIDriver>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSIDriver",
  plural: "csidrivers",
  scope: "Cluster",
});
