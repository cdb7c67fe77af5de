import { defineKind } from "../../kind.ts";
import type { ConfigMap } from "../../schema/types.ts";

export const configMap = defineKind<ConfigMap>({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  shortNames: ["cm"],
  scope: "Namespaced",
});
