import { formatQuantity, milliOf, quantityFromMilli } from "../../api/quantity.ts";
import type { MetricSpec, MetricStatus, MetricTarget, Pod } from "../../api/schema/types.ts";
import { goSelectorText } from "../go-selector.ts";
import type { DescribedObject, MetricsSource } from "./metrics.ts";
import {
  MetricFault,
  replicasForAverage,
  replicasForPart,
  replicasForUtilization,
  replicasForValue,
  type UsageSettings,
} from "./usage.ts";

/** What one metric of an autoscaler says. */
export type Judgement =
  | { readonly sort: "proposal"; readonly replicas: number; readonly name: string; readonly status: MetricStatus }
  | { readonly sort: "fault"; readonly reason: string; readonly message: string; readonly wrapped: string };

export interface JudgeOptions {
  readonly namespace: string;
  readonly selector: string;
  /** The pods that the selector means. */
  readonly pods: readonly Pod[];
  readonly specReplicas: number;
  readonly statusReplicas: number;
  readonly settings: UsageSettings;
  readonly source: MetricsSource;
  /** Finds the resource of an object that a metric describes. */
  readonly describe: (reference: { apiVersion?: string; kind: string; name: string }) => DescribedObject | undefined;
}

type Proposal = Extract<Judgement, { sort: "proposal" }>;

/** Asks for the figures of a metric and works out how many replicas it wants. */
export async function judge(metric: MetricSpec, options: JudgeOptions): Promise<Judgement> {
  const { reason, prefix } = wordsOf(metric);
  try {
    return await proposalOf(metric, options);
  } catch (error) {
    if (!(error instanceof MetricFault)) throw error;
    return { sort: "fault", reason, message: error.message, wrapped: `${prefix}: ${error.message}` };
  }
}

/** How a fault of a metric is told, and what stands before it where the faults of all metrics are summed up. */
function wordsOf(metric: MetricSpec): { reason: string; prefix: string } {
  const { type, resource, containerResource, object, external } = metric;
  switch (type) {
    case "Resource":
      return { reason: "FailedGetResourceMetric", prefix: `failed to get ${resource?.name} resource metric value` };
    case "ContainerResource":
      return {
        reason: "FailedGetContainerResourceMetric",
        prefix: `failed to get ${containerResource?.container} container metric value`,
      };
    case "Pods":
      return { reason: "FailedGetPodsMetric", prefix: "failed to get pods metric value" };
    case "Object": {
      const part =
        object?.target.averageValue === undefined ? "" : `: failed to get ${object.metric.name} object metric`;
      return { reason: "FailedGetObjectMetric", prefix: `failed to get object metric value${part}` };
    }
    case "External": {
      const name = external?.metric.name;
      const isPart = external?.target.averageValue !== undefined;
      const part = isPart ? `failed to get ${name} external metric` : `failed to get external metric ${name}`;
      return { reason: "FailedGetExternalMetric", prefix: `failed to get ${name} external metric value: ${part}` };
    }
    default:
      return { reason: "InvalidMetricSourceType", prefix: `unknown metric source type ${JSON.stringify(type)}` };
  }
}

async function proposalOf(metric: MetricSpec, options: JudgeOptions): Promise<Proposal> {
  const { resource, containerResource, pods, object, external } = metric;
  if (resource) return byResource({ ...resource, container: undefined }, options);
  if (containerResource) return byResource(containerResource, options);
  if (pods) return byPods(pods, options);
  if (object) return byObject(object, options);
  if (external) return byExternal(external, options);
  throw new MetricFault(`unknown metric source type ${JSON.stringify(metric.type)}`);
}

const milliText = (milli: number): string => formatQuantity(quantityFromMilli(milli));
/** Memory is told in powers of two. */
const amountText = (resource: string, milli: number): string =>
  resource === "memory" ? formatQuantity(quantityFromMilli(milli, "BinarySI")) : milliText(milli);

async function byResource(
  { name, target, container }: { name: string; target: MetricTarget; container: string | undefined },
  options: JudgeOptions,
): Promise<Proposal> {
  const { namespace, selector, source, pods, specReplicas, settings } = options;
  const { averageValue, averageUtilization } = target;
  const what = averageValue === undefined ? "utilization" : "usage";
  const proposal = await within(`failed to get ${name} ${what}`, async () => {
    const metrics = await within(`unable to get metrics for resource ${name}`, () =>
      source.resource({ resource: name, namespace, selector, container }),
    );
    const question = { current: specReplicas, pods, metrics, resource: name, settings };
    return averageValue === undefined
      ? replicasForUtilization({ ...question, target: averageUtilization ?? 0, container })
      : replicasForAverage({ ...question, target: milliOf(averageValue) });
  });
  const { replicas, utilization, average } = proposal;
  const current = {
    ...(utilization !== undefined && { averageUtilization: utilization }),
    averageValue: amountText(name, average),
  };
  const status: MetricStatus =
    container === undefined
      ? { type: "Resource", resource: { name, current } }
      : { type: "ContainerResource", containerResource: { name, container, current } };
  const part = container === undefined ? "" : " container";
  const told =
    averageValue === undefined ? `${name}${part} resource utilization (percentage of request)` : `${name} resource`;
  return { sort: "proposal", replicas, name: told, status };
}

async function byPods({ metric, target }: NonNullable<MetricSpec["pods"]>, options: JudgeOptions): Promise<Proposal> {
  const { namespace, selector, source, pods, specReplicas, settings } = options;
  const metrics = await within(`unable to get metric ${metric.name}`, () => source.pods(namespace, selector, metric));
  const question = { current: specReplicas, pods, metrics, resource: "", settings };
  const { replicas, average } = replicasForAverage({ ...question, target: milliOf(target.averageValue ?? "0") });
  const status = { type: "Pods", pods: { metric, current: { averageValue: milliText(average) } } };
  return { sort: "proposal", replicas, name: `pods metric ${metric.name}`, status };
}

async function byObject(
  { metric, target, describedObject }: NonNullable<MetricSpec["object"]>,
  options: JudgeOptions,
): Promise<Proposal> {
  const { namespace, source, describe } = options;
  const { kind, name } = describedObject;
  const described = describe(describedObject);
  const value = await within(
    `unable to get metric ${metric.name}: ${kind} on ${namespace} ${name}`,
    async () => {
      if (!described) throw new MetricFault(`no matches for kind ${JSON.stringify(kind)}`);
      return source.object(namespace, described, metric);
    },
    "/",
  );
  const { replicas, current } = shared(value, target, options);
  const status = { type: "Object", object: { describedObject, metric, current } };
  return { sort: "proposal", replicas, name: `${kind} metric ${metric.name}`, status };
}

async function byExternal(
  { metric, target }: NonNullable<MetricSpec["external"]>,
  options: JudgeOptions,
): Promise<Proposal> {
  const { namespace, source } = options;
  const selector = goSelectorText(metric.selector);
  const value = await within(`unable to get external metric ${namespace}/${metric.name}/${selector}`, () =>
    source.external(namespace, metric),
  );
  const { replicas, current } = shared(value, target, options);
  const status = { type: "External", external: { metric, current } };
  return { sort: "proposal", replicas, name: `external metric ${metric.name}(${selector})`, status };
}

/** A value that belongs to no single pod, held to the whole or to each replica's part. */
function shared(value: number, target: MetricTarget, options: JudgeOptions) {
  const { pods, specReplicas, statusReplicas, settings } = options;
  const { tolerances } = settings;
  if (target.averageValue !== undefined) {
    const question = { current: statusReplicas, value, target: milliOf(target.averageValue), tolerances };
    const { replicas, average } = replicasForPart(question);
    return { replicas, current: { averageValue: milliText(average) } };
  }
  const question = { current: specReplicas, pods, value, target: milliOf(target.value ?? "0"), tolerances };
  return { replicas: replicasForValue(question), current: { value: milliText(value) } };
}

async function within<T>(words: string, work: () => T | Promise<T>, separator = ": "): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MetricFault)) throw error;
    throw new MetricFault(`${words}${separator}${error.message}`);
  }
}
