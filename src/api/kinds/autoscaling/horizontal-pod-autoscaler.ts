import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { HorizontalPodAutoscaler, HPAScalingRules } from "../../schema/types.ts";
import { validateCounts } from "../apps/workload-rules.ts";
import { metricsText } from "./metric-text.ts";
import { validateAutoscaler } from "./rules.ts";

const defaultCpuPercent = 80;
const scaleUpDefaults: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [
    { type: "Pods", value: 4, periodSeconds: 15 },
    { type: "Percent", value: 100, periodSeconds: 15 },
  ],
};
const scaleDownDefaults: HPAScalingRules = {
  selectPolicy: "Max",
  policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
};

export const horizontalPodAutoscaler = defineKind<HorizontalPodAutoscaler>({
  group: "autoscaling",
  version: "v2",
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  shortNames: ["hpa"],
  categories: ["all"],
  scope: "Namespaced",
  trustsOldMetadata: true,
  subresources: { status: true },
  columns: [
    nameColumn,
    {
      name: "Reference",
      type: "string",
      cell: ({ spec: { scaleTargetRef } }) => `${scaleTargetRef?.kind ?? ""}/${scaleTargetRef?.name ?? ""}`,
    },
    {
      name: "Targets",
      type: "string",
      cell: ({ spec, status }) => metricsText(spec.metrics ?? [], status?.currentMetrics ?? []),
    },
    { name: "MinPods", type: "string", cell: ({ spec }) => String(spec.minReplicas ?? "<unset>") },
    { name: "MaxPods", type: "string", cell: ({ spec }) => spec.maxReplicas },
    { name: "Replicas", type: "string", cell: ({ status }) => status?.currentReplicas ?? 0 },
    ageColumn,
  ],

  defaults({ spec }) {
    spec.minReplicas ??= 1;
    if (!spec.metrics?.length)
      spec.metrics = [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: defaultCpuPercent } },
        },
      ];
    if (!spec.behavior) return;
    spec.behavior.scaleUp = { ...structuredClone(scaleUpDefaults), ...spec.behavior.scaleUp };
    spec.behavior.scaleDown = { ...structuredClone(scaleDownDefaults), ...spec.behavior.scaleDown };
  },

  validate: ({ spec }, root) => validateAutoscaler(spec, root.child("spec")),

  validateSubresource: (_subresource, { status }, _old, root) =>
    status ? validateCounts(status, root.child("status"), ["currentReplicas", "desiredReplicas"]) : [],
});
