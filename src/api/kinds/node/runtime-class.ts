import { defineKind } from "../../kind.ts";
import type { RuntimeClass } from "../../schema/types.ts";

export const runtimeClass = defineKind<RuntimeClass>({
  group: "node.k8s.io",
  version: "v1",
  kind: "RuntimeClass",
  plural: "runtimeclasses",
  scope: "Cluster",
});
