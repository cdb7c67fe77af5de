import { defineKind } from "../../kind.ts";
import type { PodDisruptionBudget } from "../../schema/types.ts";

export const podDisruptionBudget = defineKind<PodDisruptionBudget>({
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  shortNames: ["pdb"],
  scope: "Namespaced",
  subresources: {
    status: true,
  },
});
