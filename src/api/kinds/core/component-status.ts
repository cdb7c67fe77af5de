import { defineKind } from "../../kind.ts";

/** Deprecated since v1.19; listed because clients still ask for it. */
export const componentStatus = defineKind({
  group: "",
  version: "v1",
  kind: "ComponentStatus",
  plural: "componentstatuses",
  shortNames: ["cs"],
  scope: "Cluster",
  verbs: ["get", "list"],
});
