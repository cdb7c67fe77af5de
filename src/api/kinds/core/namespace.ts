import { defineKind } from "../../kind.ts";

export const namespace = defineKind({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  shortNames: ["ns"],
  scope: "Cluster",
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  subresources: { finalize: { sort: "part", owns: ["spec"], verbs: ["update"] }, status: true },
});
