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
import { dnsLabel, pathSegment } from "../../validate/names.ts";
import { validateNonNegativeQuantity, validateOneOf, validateText } from "../../validate/values.ts";

/** What is wrong with an autoscaler (Kubernetes docs, "Horizontal Pod Autoscaling"). */

const longestWindowSeconds = 3600;
const longestPeriodSeconds = 1800;
/** The sources, in the order in which the first one is found. */
const sourceOrder = ["object", "external", "pods", "resource", "containerResource"] as const;
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
    // Only of the core group's kinds that can be scaled the group has no name.
    ...validateReference(
      scaleTargetRef ?? {},
      { grouped: scaleTargetRef?.kind !== "ReplicationController" },
      at.child("scaleTargetRef"),
    ),
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

/** `grouped`: whether the object must be one of a named API group. */
function validateReference(
  { kind = "", name = "", apiVersion = "" }: Partial<CrossVersionObjectReference>,
  { grouped }: { grouped: boolean },
  at: Path,
): FieldError[] {
  const version = at.child("apiVersion");
  const parts = apiVersion.split("/");
  const hasGroup = parts.length === 2 && parts[0] !== "";
  return [
    ...(kind ? validateText(pathSegment, kind, at.child("kind")) : [at.child("kind").required()]),
    ...(name ? validateText(pathSegment, name, at.child("name")) : [at.child("name").required()]),
    ...(parts.length > 2 ? [version.invalid(apiVersion, `unexpected GroupVersion string: ${apiVersion}`)] : []),
    ...(parts.length <= 2 && grouped && !hasGroup
      ? [version.invalid(apiVersion, "apiVersion must specify API group")]
      : []),
  ];
}

function validateMetric(metric: MetricSpec, at: Path): FieldError[] {
  const { type = "" } = metric;
  const present = sourceOrder.filter((source) => metric[source]);
  const wanted = sources[type as keyof typeof sources];
  // Kubernetes finds an unknown type twice: before the sources and after them.
  const unknown = wanted ? [] : [at.child("type").notSupported(type, Object.keys(sources))];
  return [
    ...(type === "" ? [at.child("type").required("must specify a metric source type")] : []),
    ...unknown,
    ...(present[0] ? validateSource(metric, present[0], at.child(present[0])) : []),
    ...unknown,
    ...(wanted && !metric[wanted]
      ? [at.child(wanted).required("must populate information for the given metric source")]
      : []),
    // One that is not the one that the type names is let be when there is no other.
    ...(present.length === 1 ? [] : present.filter((source) => source !== wanted)).map((source) =>
      at.child(source).forbidden("must populate the given metric source only"),
    ),
  ];
}

function validateSource(
  { object, external, pods, resource, containerResource }: MetricSpec,
  source: (typeof sourceOrder)[number],
  at: Path,
): FieldError[] {
  const target = at.child("target");
  switch (source) {
    case "object":
      return [
        ...validateReference(object?.describedObject ?? {}, { grouped: false }, at.child("describedObject")),
        ...validateIdentifier(object?.metric, at.child("metric")),
        ...validateTarget(object?.target, target),
        ...(object?.target?.value === undefined && object?.target?.averageValue === undefined
          ? [target.child("averageValue").required("must set either a target value or averageValue")]
          : []),
      ];
    case "external": {
      const { value, averageValue } = external?.target ?? {};
      return [
        ...validateIdentifier(external?.metric, at.child("metric")),
        ...validateTarget(external?.target, target),
        ...(value === undefined && averageValue === undefined
          ? [target.child("averageValue").required("must set either a target value for metric or a per-pod target")]
          : []),
        ...(value !== undefined && averageValue !== undefined
          ? [target.child("value").forbidden("may not set both a target value for metric and a per-pod target")]
          : []),
      ];
    }
    case "pods":
      return [
        ...validateIdentifier(pods?.metric, at.child("metric")),
        ...validateTarget(pods?.target, target),
        ...(pods?.target?.averageValue === undefined
          ? [target.child("averageValue").required("must specify a positive target averageValue")]
          : []),
      ];
    case "resource":
      return validateResource(resource ?? {}, [], at);
    case "containerResource": {
      const { container } = containerResource ?? {};
      const place = at.child("container");
      return validateResource(
        containerResource ?? {},
        container ? validateText(dnsLabel, container, place) : [place.required("must specify a container")],
        at,
      );
    }
  }
}

/** `more`: what is wrong with it beside, told before the target. */
function validateResource(
  { name, target }: { name?: string; target?: MetricTarget },
  more: readonly FieldError[],
  at: Path,
): FieldError[] {
  const errors = name ? [...more] : [at.child("name").required("must specify a resource name"), ...more];
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
  if (!["Utilization", "Value", "AverageValue"].includes(type))
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
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
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
    ...validateNonNegativeQuantity(tolerance, at.child("tolerance")),
  ];
}
