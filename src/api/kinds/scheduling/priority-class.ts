import { defineKind } from "../../kind.ts";
import type { PriorityClass } from "../../schema/types.ts";

export const priorityClass = defineKind<PriorityClass>({
  group: "scheduling.k8s.io",
  version: "v1",
  kind: "PriorityClass",
  plural: "priorityclasses",
  shortNames: ["pc"],
  scope: "Cluster",
});
