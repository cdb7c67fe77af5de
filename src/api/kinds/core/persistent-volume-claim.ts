import { defineKind } from "../../kind.ts";
import type { PersistentVolumeClaim } from "../../schema/types.ts";

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>({
  group: "",
  version: "v1",
  kind: "PersistentVolumeClaim",
  plural: "persistentvolumeclaims",
  shortNames: ["pvc"],
  scope: "Namespaced",
  subresources: { status: true },
});
