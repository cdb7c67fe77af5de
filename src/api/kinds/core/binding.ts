import { defineKind } from "../../kind.ts";
import type { Binding } from "../../schema/types.ts";

/** Created to give a pod its node; stores nothing itself. */
export const binding = defineKind<Binding>({
  group: "",
  version: "v1",
  kind: "Binding",
  plural: "bindings",
  scope: "Namespaced",
  action: "binding",
});
