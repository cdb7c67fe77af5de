import { defineKind } from "../../kind.ts";
import type { HorizontalPodAutoscaler } from "../../schema/types.ts";

export const horizontalPodAutoscaler = defineKind<HorizontalPodAutoscaler>({
  group: "autoscaling",
  version: "v2",
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  shortNames: ["hpa"],
  categories: ["all"],
  scope: "Namespaced",
  subresources: {
    status: true,
  },
});
