import { isDeepStrictEqual } from "node:util";
import { node } from "../../api/kinds/core/node.ts";
import { service } from "../../api/kinds/core/service.ts";
import { isLeaving, keyOf } from "../../api/object.ts";
import type { Node, Service } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { type Controller, defineController, settled, type Watched } from "../../client/controller.ts";
import type { CloudProvider } from "../cloud/provider.ts";
import { readyStatusOf } from "../nodes.ts";
import { decide } from "./decide.ts";

/** Only what a load balancer's addresses depend on: heartbeats mean no work. */
const addressesChanged: Watched<Node> = {
  kind: node,
  keys: (_, cache) =>
    cache
      .list(service)
      .filter(({ spec }) => spec.type === "LoadBalancer")
      .map(keyOf),
  matters: ({ before, after }) => !isDeepStrictEqual(placed(before), placed(after)),
};

/** Says where Services of type LoadBalancer are reached, and holds them until what reaches them is taken down. */
export function serviceLoadBalancerController(options: {
  readonly provider: CloudProvider;
  readonly offered: boolean;
}): Controller {
  return defineController<Service>({
    name: "service-load-balancer",
    component: "service-controller",
    reconciles: service,
    watches: [addressesChanged],

    async reconcile(key, { cache, client, events }) {
      const found = cache.get(service, key);
      const decision = found && decide({ ...options, service: found, nodes: cache.list(node) });
      if (!decision) return settled;
      for (const news of decision.before) events.record(found, news);
      try {
        const written = await client.updateStatus(service, decision.service);
        if (!isLeaving(written)) await cache.seen(written);
      } catch (error) {
        if (!isReason(error, "Conflict") && !isReason(error, "NotFound"))
          events.record(found, {
            type: "Warning",
            reason: "SyncLoadBalancerFailed",
            message: `Error syncing load balancer: ${error instanceof Error ? error.message : String(error)}`,
          });
        throw error;
      }
      for (const news of decision.after) events.record(found, news);
      return settled;
    },
  });
}

function placed(object: Node | undefined): unknown {
  if (!object) return undefined;
  return [object.status?.addresses, object.metadata.labels, readyStatusOf(object)];
}
