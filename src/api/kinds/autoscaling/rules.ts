import type { FieldError, Path } from "../../field.ts";
import { signOf } from "../../quantity.ts";
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerSpec,
  HPAScalingRules,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from "../../schema/types.ts";
import { pathSegment } from "../../validate/names.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";

/** What is wrong with an autoscaler (Kubernetes docs, "Horizontal Pod Autoscaling"). */

const longestWindowSeconds = 3600;
const longestPeriodSeconds = 1800;
const sources = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
} as const;

export function validateAutoscaler(spec: HorizontalPodAutoscalerSpec, at: Path): FieldError[] {
  const { minReplicas, maxReplicas = 0, metrics = [], behavior, scaleTargetRef } = spec;
  const max = at.child("maxReplicas");
  return [
    ...(minReplicas !== undefined && minReplicas < 1
      ? [at.child("minReplicas").invalid(minReplicas, "must be greater than or equal to 1")]
      : []),
    ...(maxReplicas < 1 ? [max.required("must be set and greater than 0")] : []),
    ...(minReplicas !== undefined && maxReplicas < minReplicas
      ? [max.invalid(maxReplicas, "must be greater than or equal to `minReplicas`")]
      : []),
    ...validateReference(scaleTargetRef ?? {}, at.child("scaleTargetRef")),
    ...metrics.flatMap((metric, i) => validateMetric(metric, at.child("metrics").index(i))),
    ...(minReplicas === 0 && !metrics.some(({ type }) => type === "Object" || type === "External")
      ? [
          at
            .child("metrics")
            .forbidden("must specify at least one Object or External metric to support scaling to zero replicas"),
        ]
      : []),
    ...(behavior ? validateBehavior(behavior, at.child("behavior")) : []),
  ];
}

function validateReference(
  { kind = "", name = "", apiVersion = "" }: Partial<CrossVersionObjectReference>,
  at: Path,
): FieldError[] {
  return [
    ...(kind ? validateText(pathSegment, kind, at.child("kind")) : [at.child("kind").required()]),
    ...(name ? validateText(pathSegment, name, at.child("name")) : [at.child("name").required()]),
    ...(apiVersion ? [] : [at.child("apiVersion").invalid(apiVersion, "apiVersion must specify API group")]),
  ];
}

function validateMetric(metric: MetricSpec, at: Path): FieldError[] {
  const { type = "" } = metric;
  if (type === "") return [at.child("type").required("must specify a metric source type")];
  const wanted = sources[type as keyof typeof sources];
  // Kubernetes finds an unknown type twice.
  const unknown = at.child("type").notSupported(type, Object.keys(sources));
  if (!wanted) return [unknown, unknown];
  const errors = validateSources(metric, at);
  for (const source of Object.values(sources))
    if (source !== wanted && metric[source])
      errors.push(at.child(source).forbidden("must populate the given metric source only"));
  if (!metric[wanted]) errors.push(at.child(wanted).required("must populate information for the given metric source"));
  return errors;
}

function validateSources({ object, external, pods, resource, containerResource }: MetricSpec, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (object) {
    const place = at.child("object");
    errors.push(...validateReference(object.describedObject ?? {}, place.child("describedObject")));
    errors.push(...validateIdentifier(object.metric, place.child("metric")));
    errors.push(...validateTarget(object.target, place.child("target")));
    if (object.target?.value === undefined && object.target?.averageValue === undefined)
      errors.push(place.child("target", "averageValue").required("must set either a target value or averageValue"));
  }
  if (external) {
    const place = at.child("external");
    errors.push(...validateIdentifier(external.metric, place.child("metric")));
    errors.push(...validateTarget(external.target, place.child("target")));
    const { value, averageValue } = external.target ?? {};
    if (value === undefined && averageValue === undefined)
      errors.push(
        place.child("target", "averageValue").required("must set either a target value for metric or a per-pod target"),
      );
    if (value !== undefined && averageValue !== undefined)
      errors.push(
        place.child("target", "value").forbidden("may not set both a target value for metric and a per-pod target"),
      );
  }
  if (pods) {
    const place = at.child("pods");
    errors.push(...validateIdentifier(pods.metric, place.child("metric")));
    errors.push(...validateTarget(pods.target, place.child("target")));
    if (pods.target?.averageValue === undefined || signOf(pods.target.averageValue) <= 0)
      errors.push(place.child("target", "averageValue").required("must specify a positive target averageValue"));
  }
  if (containerResource) {
    const place = at.child("containerResource");
    errors.push(...validateResource(containerResource, place));
    if (!containerResource.container) errors.push(place.child("container").required("must specify a container name"));
  }
  if (resource) errors.push(...validateResource(resource, at.child("resource")));
  return errors;
}

function validateResource({ name, target }: { name?: string; target?: MetricTarget }, at: Path): FieldError[] {
  const errors = name ? [] : [at.child("name").required("must specify a resource name")];
  errors.push(...validateTarget(target, at.child("target")));
  const { averageUtilization, averageValue } = target ?? {};
  if (averageUtilization === undefined && averageValue === undefined)
    errors.push(
      at.child("target", "averageUtilization").required("must set either a target raw value or a target utilization"),
    );
  if (averageUtilization !== undefined && averageValue !== undefined)
    errors.push(
      at.child("target", "averageValue").forbidden("may not set both a target raw value and a target utilization"),
    );
  return errors;
}

function validateIdentifier(metric: MetricIdentifier | undefined, at: Path): FieldError[] {
  const name = metric?.name ?? "";
  return name
    ? validateText(pathSegment, name, at.child("name"))
    : [at.child("name").required("must specify a metric name")];
}

function validateTarget(target: MetricTarget | undefined, at: Path): FieldError[] {
  const { type = "", value, averageValue, averageUtilization } = target ?? {};
  const errors: FieldError[] = [];
  if (type === "") errors.push(at.child("type").required("must specify a metric target type"));
  else if (!["Utilization", "Value", "AverageValue"].includes(type))
    errors.push(at.child("type").invalid(type, "must be either Utilization, Value, or AverageValue"));
  if (value !== undefined && signOf(value) <= 0) errors.push(at.child("value").invalid(value, "must be positive"));
  if (averageValue !== undefined && signOf(averageValue) <= 0)
    errors.push(at.child("averageValue").invalid(averageValue, "must be positive"));
  if (averageUtilization !== undefined && averageUtilization < 1)
    errors.push(at.child("averageUtilization").invalid(averageUtilization, "must be greater than 0"));
  return errors;
}

function validateBehavior({ scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior, at: Path): FieldError[] {
  return [
    ...(scaleUp ? validateScaling(scaleUp, at.child("scaleUp")) : []),
    ...(scaleDown ? validateScaling(scaleDown, at.child("scaleDown")) : []),
  ];
}

function validateScaling(rules: HPAScalingRules, at: Path): FieldError[] {
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [] } = rules;
  const place = at.child("stabilizationWindowSeconds");
  return [
    ...(window !== undefined && window < 0 ? [place.invalid(window, "must be greater than or equal to zero")] : []),
    ...(window !== undefined && window > longestWindowSeconds
      ? [place.invalid(window, `must be less than or equal to ${longestWindowSeconds}`)]
      : []),
    ...(selectPolicy === undefined
      ? []
      : validateOneOf(selectPolicy, ["Disabled", "Max", "Min"], at.child("selectPolicy"))),
    ...(policies.length === 0 ? [at.child("policies").required("must specify at least one Policy")] : []),
    ...policies.flatMap(({ type, value, periodSeconds }, i) => {
      const policy = at.child("policies").index(i);
      const period = policy.child("periodSeconds");
      const errors = validateOneOf(type, ["Percent", "Pods"], policy.child("type"));
      if (value <= 0) errors.push(policy.child("value").invalid(value, "must be greater than zero"));
      if (periodSeconds <= 0) errors.push(period.invalid(periodSeconds, "must be greater than zero"));
      if (periodSeconds > longestPeriodSeconds)
        errors.push(period.invalid(periodSeconds, `must be less than or equal to ${longestPeriodSeconds}`));
      return errors;
    }),
  ];
}
