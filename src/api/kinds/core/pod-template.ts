import { defineKind } from "../../kind.ts";
import type { PodTemplate } from "../../schema/types.ts";

export const podTemplate = defineKind<PodTemplate>({
  group: "",
  version: "v1",
  kind: "PodTemplate",
  plural: "podtemplates",
  scope: "Namespaced",
});
