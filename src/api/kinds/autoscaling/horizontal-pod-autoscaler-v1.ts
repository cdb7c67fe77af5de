import { columnsThrough } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { ObjectMeta } from "../../object.ts";
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerV1,
  MetricSpec,
  MetricStatus,
} from "../../schema/types.ts";
import { horizontalPodAutoscaler } from "./horizontal-pod-autoscaler.ts";

/** What v1 has no fields for is kept in annotations, as Kubernetes does. */
const metricsAnnotation = "autoscaling.alpha.kubernetes.io/metrics";
const currentMetricsAnnotation = "autoscaling.alpha.kubernetes.io/current-metrics";
const conditionsAnnotation = "autoscaling.alpha.kubernetes.io/conditions";
const behaviorAnnotation = "autoscaling.alpha.kubernetes.io/behavior";
/** In percent of what pods request. */
const usualCpu = 80;
const ownAnnotations = [metricsAnnotation, currentMetricsAnnotation, conditionsAnnotation, behaviorAnnotation];

export const horizontalPodAutoscalerV1 = defineKind<HorizontalPodAutoscalerV1>({
  group: "autoscaling",
  version: "v1",
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  shortNames: ["hpa"],
  categories: ["all"],
  scope: "Namespaced",
  subresources: { status: true },
  stored: {
    group: "autoscaling",
    version: "v2",
    to: (object) => ({ ...toV2(object as unknown as HorizontalPodAutoscalerV1) }),
    from: (object) => ({ ...fromV2(object as unknown as HorizontalPodAutoscaler) }),
  },
  columns: columnsThrough(horizontalPodAutoscaler.columns, toV2),

  defaults({ spec, metadata }) {
    spec.minReplicas ??= 1;
    if (!annotation<MetricSpec[]>(metadata.annotations, metricsAnnotation)?.length)
      spec.targetCPUUtilizationPercentage ??= usualCpu;
  },
});

function toV2({ spec, status, metadata, ...rest }: HorizontalPodAutoscalerV1): HorizontalPodAutoscaler {
  const { targetCPUUtilizationPercentage: cpu, ...fields } = spec;
  const metrics = annotation<MetricSpec[]>(metadata.annotations, metricsAnnotation) ?? [];
  if (cpu !== undefined) metrics.push(cpuMetric(cpu));
  const behavior = annotation<HorizontalPodAutoscaler["spec"]["behavior"]>(metadata.annotations, behaviorAnnotation);
  const next: HorizontalPodAutoscaler = {
    ...rest,
    metadata: withoutOwnAnnotations(metadata),
    spec: {
      ...fields,
      metrics: metrics.length > 0 ? metrics : [cpuMetric(usualCpu)],
      ...(behavior && { behavior }),
    },
  };
  if (status) next.status = statusToV2(status, metadata.annotations);
  return next;
}

function statusToV2(
  { currentCPUUtilizationPercentage: cpu, ...fields }: NonNullable<HorizontalPodAutoscalerV1["status"]>,
  annotations: Record<string, string> | undefined,
): NonNullable<HorizontalPodAutoscaler["status"]> {
  const currentMetrics = annotation<MetricStatus[]>(annotations, currentMetricsAnnotation) ?? [];
  if (cpu !== undefined)
    currentMetrics.push({ type: "Resource", resource: { name: "cpu", current: { averageUtilization: cpu } } });
  const conditions = annotation<NonNullable<HorizontalPodAutoscaler["status"]>["conditions"]>(
    annotations,
    conditionsAnnotation,
  );
  return { ...fields, ...(currentMetrics.length > 0 && { currentMetrics }), ...(conditions && { conditions }) };
}

function fromV2({ spec, status, metadata, ...rest }: HorizontalPodAutoscaler): HorizontalPodAutoscalerV1 {
  const { metrics: wanted, behavior, ...fields } = spec;
  // What is always written is null where there is none.
  const metrics = wanted ?? [];
  const cpu = metrics.find(isCpu)?.resource?.target.averageUtilization;
  const { currentMetrics: current, conditions, ...counts } = status ?? {};
  const currentMetrics = current ?? [];
  const currentCpu = currentMetrics.find(isCpu)?.resource?.current.averageUtilization;
  const kept: Record<string, unknown> = {
    [metricsAnnotation]: listed(metrics.filter((metric) => !isCpu(metric))),
    [currentMetricsAnnotation]: listed(currentMetrics.filter((metric) => !isCpu(metric))),
    [conditionsAnnotation]: listed(conditions ?? []),
    [behaviorAnnotation]: behavior,
  };
  const annotations = { ...metadata.annotations };
  for (const [key, value] of Object.entries(kept)) if (value !== undefined) annotations[key] = JSON.stringify(value);
  return {
    ...rest,
    metadata: Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata,
    spec: { ...fields, ...(cpu !== undefined && { targetCPUUtilizationPercentage: cpu }) },
    ...(status && {
      status: {
        currentReplicas: 0,
        desiredReplicas: 0,
        ...counts,
        ...(currentCpu !== undefined && { currentCPUUtilizationPercentage: currentCpu }),
      },
    }),
  };
}

function cpuMetric(averageUtilization: number): MetricSpec {
  return { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } };
}

/** The one metric for which v1 has a field. */
function isCpu(metric: MetricSpec | MetricStatus): boolean {
  if (metric.type !== "Resource" || metric.resource?.name !== "cpu") return false;
  const value = "target" in metric.resource ? metric.resource.target : metric.resource.current;
  return value.averageUtilization !== undefined;
}

function listed<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length > 0 ? items : undefined;
}

function annotation<T>(annotations: Record<string, string> | undefined, key: string): T | undefined {
  const text = annotations?.[key];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

function withoutOwnAnnotations({ annotations, ...metadata }: ObjectMeta): ObjectMeta {
  const others = Object.entries(annotations ?? {}).filter(([key]) => !ownAnnotations.includes(key));
  return others.length > 0 ? { ...metadata, annotations: Object.fromEntries(others) } : metadata;
}
