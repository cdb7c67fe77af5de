import { defineKind } from "../../kind.ts";
import type { Namespace } from "../../schema/types.ts";

export const namespace = defineKind<Namespace>({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  shortNames: ["ns"],
  scope: "Cluster",
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  subresources: { finalize: { sort: "part", owns: ["spec"], verbs: ["update"] }, status: true },
});
