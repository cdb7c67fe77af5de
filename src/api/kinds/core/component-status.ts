import { defineKind } from "../../kind.ts";
import type { ComponentStatus } from "../../schema/types.ts";

/** Deprecated since v1.19; listed because clients still ask for it. */
export const componentStatus = defineKind<ComponentStatus>({
  group: "",
  version: "v1",
  kind: "ComponentStatus",
  plural: "componentstatuses",
  shortNames: ["cs"],
  scope: "Cluster",
  verbs: ["get", "list"],
});
