import { defineKind } from "../../kind.ts";
import type { PersistentVolume } from "../../schema/types.ts";

export const persistentVolume = defineKind<PersistentVolume>({
  group: "",
  version: "v1",
  kind: "PersistentVolume",
  plural: "persistentvolumes",
  shortNames: ["pv"],
  scope: "Cluster",
  subresources: { status: true },
});
