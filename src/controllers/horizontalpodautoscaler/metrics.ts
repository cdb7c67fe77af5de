import { durationMs } from "../../api/duration.ts";
import type { AnyObject } from "../../api/object.ts";
import { milliOf } from "../../api/quantity.ts";
import type { ResourceRequest } from "../../api/request.ts";
import type { MetricIdentifier } from "../../api/schema/types.ts";
import { selectorText } from "../../api/selector.ts";
import { StatusError } from "../../api/status.ts";
import type { Client } from "../../client/client.ts";
import { MetricFault, type PodMetrics } from "./usage.ts";

/** Where the figures come from: metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io. */
export interface MetricsSource {
  /** What the pods use of a resource, or only one container of each. */
  resource(question: ResourceQuestion): Promise<PodMetrics>;
  pods(namespace: string, selector: string, metric: MetricIdentifier): Promise<PodMetrics>;
  object(namespace: string, object: DescribedObject, metric: MetricIdentifier): Promise<number>;
  /** The sum of all that the metric's selector means. */
  external(namespace: string, metric: MetricIdentifier): Promise<number>;
}

export interface ResourceQuestion {
  readonly resource: string;
  readonly namespace: string;
  readonly selector: string;
  readonly container: string | undefined;
}

export interface DescribedObject {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
  readonly name: string;
}

interface PodFigures {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly timestamp?: string;
  readonly window?: string;
  readonly containers?: readonly { readonly name: string; readonly usage?: Readonly<Record<string, string>> }[];
}

interface MetricValue {
  readonly describedObject?: { readonly name?: string };
  readonly timestamp?: string;
  readonly windowSeconds?: number;
  readonly window?: number;
  readonly value: string;
}

const minuteMs = 60_000;

export function metricsSource({ transport }: Client): MetricsSource {
  async function list<T>(api: string, request: Omit<ResourceRequest, "verb">): Promise<readonly T[]> {
    let items: readonly T[];
    try {
      const answer = (await transport.request({ verb: "list", ...request })) as { items?: readonly AnyObject[] };
      items = (answer.items ?? []) as unknown as readonly T[];
    } catch (error) {
      throw new MetricFault(`unable to fetch metrics from ${api} metrics API: ${saidOf(error, request)}`);
    }
    if (items.length === 0) throw new MetricFault(`no metrics returned from ${api} metrics API`);
    return items;
  }

  const custom = (namespace: string, of: { resource: string; name: string }, metric: MetricIdentifier, more: object) =>
    list<MetricValue>("custom", {
      group: "custom.metrics.k8s.io",
      version: "v1beta2",
      namespace,
      ...of,
      subresource: metric.name,
      options: {
        ...more,
        ...(metric.selector && { query: { metricLabelSelector: selectorText(metric.selector) } }),
      },
    });

  return {
    async resource({ resource, namespace, selector, container }) {
      const figures = await list<PodFigures>("resource", {
        group: "metrics.k8s.io",
        version: "v1beta1",
        resource: "pods",
        namespace,
        options: { labelSelector: selector },
      });
      return new Map(figures.flatMap((each) => podMetric(each, resource, container) ?? []));
    },

    async pods(namespace, selector, metric) {
      const values = await custom(namespace, { resource: "pods", name: "*" }, metric, { labelSelector: selector });
      return new Map(
        values.map(({ describedObject, timestamp, windowSeconds, value }) => [
          describedObject?.name ?? "",
          {
            value: milliOf(value),
            atMs: Date.parse(timestamp ?? "") || 0,
            windowMs: windowSeconds === undefined ? minuteMs : windowSeconds * 1000,
          },
        ]),
      );
    },

    async object(namespace, { group, plural, name }, metric) {
      const resource = group ? `${plural}.${group}` : plural;
      const [first] = await custom(namespace, { resource, name }, metric, {});
      return milliOf(first?.value ?? "0");
    },

    async external(namespace, { name, selector }) {
      const values = await list<MetricValue>("external", {
        group: "external.metrics.k8s.io",
        version: "v1beta1",
        namespace,
        resource: name,
        options: { labelSelector: selector ? selectorText(selector) : "" },
      });
      return values.reduce((sum, { value }) => sum + milliOf(value), 0);
    },
  };
}

function podMetric({ metadata, timestamp, window, containers = [] }: PodFigures, resource: string, container?: string) {
  const meant = containers.filter(({ name }) => container === undefined || name === container);
  // A pod that does not run the container (yet) counts as one without figures; the others tell enough.
  if (meant.length === 0) return undefined;
  const amounts = meant.map(({ usage }) => usage?.[resource]);
  // A pod of which a part is unknown is not counted at all.
  if (amounts.some((amount) => amount === undefined)) return undefined;
  const value = amounts.reduce((sum, amount) => sum + milliOf(amount ?? "0"), 0);
  const windowMs = durationMs(window ?? "") ?? minuteMs;
  return [[metadata.name, { value, atMs: Date.parse(timestamp ?? "") || 0, windowMs }] as const];
}

/** As clients of Kubernetes word a refusal that names no object. */
function saidOf(error: unknown, { resource, group }: { readonly resource: string; readonly group: string }): string {
  if (!(error instanceof StatusError)) return error instanceof Error ? error.message : String(error);
  const isGeneral = error.code === 404 || error.code === 503;
  return isGeneral ? `${error.message} (get ${resource}.${group})` : error.message;
}
