import { defineKind } from "../../kind.ts";
import type { HorizontalPodAutoscalerV1 } from "../../schema/types.ts";

export const horizontalPodAutoscalerV1 = defineKind<HorizontalPodAutoscalerV1>({
  group: "autoscaling",
  version: "v1",
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  shortNames: ["hpa"],
  categories: ["all"],
  scope: "Namespaced",
  subresources: {
    status: true,
  },
});
