import { defineKind } from "../../kind.ts";

/** Created to give a pod its node; stores nothing itself. */
export const binding = defineKind({
  group: "",
  version: "v1",
  kind: "Binding",
  plural: "bindings",
  scope: "Namespaced",
  action: "binding",
});
