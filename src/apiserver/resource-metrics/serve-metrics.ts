import { node } from "../../api/kinds/core/node.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Extensions } from "../aggregate/extensions.ts";
import type { NodeDialer } from "../node-dialer.ts";
import type { Registry } from "../registry/deps.ts";
import { onChange } from "../registry/follow.ts";
import { committedObjects, prefixOf } from "../registry/objects.ts";
import { ensure } from "../system/bootstrap.ts";
import { metricsApi } from "./metrics-api.ts";
import { Figures } from "./node-figures.ts";

export interface ServeMetricsOptions {
  readonly registry: Registry;
  readonly extensions: Extensions;
  readonly nodes: NodeDialer;
  readonly clock: Clock;
  readonly log: Log;
}

/** Serves metrics.k8s.io as soon as there is a node that can be asked; a cluster without such nodes has no metrics to tell. */
export function serveMetrics({ registry, extensions, nodes, clock, log }: ServeMetricsOptions): Disposable {
  const { store } = registry;
  let isServed = false;
  const look = (): void => {
    if (isServed || !committedObjects(store, node).some(({ metadata }) => nodes.has(metadata.name))) return;
    isServed = true;
    following[Symbol.dispose]();
    extensions.addLocal(metricsApi(store, new Figures(nodes, clock)));
    registerApi(registry).catch((error: unknown) => log.error("the APIService of metrics was not made", { error }));
  };
  const following = onChange(store, prefixOf(node), look);
  look();
  return following;
}

const registerApi = (registry: Registry): Promise<void> =>
  ensure(registry, {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: "v1beta1.metrics.k8s.io" },
    spec: { group: "metrics.k8s.io", version: "v1beta1", groupPriorityMinimum: 100, versionPriority: 100 },
  });
