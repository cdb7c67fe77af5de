import { isDeepStrictEqual } from "node:util";
import { node } from "../../api/kinds/core/node.ts";
import { service } from "../../api/kinds/core/service.ts";
import { keyOf } from "../../api/object.ts";
import type { Node } from "../../api/schema/types.ts";
import { isSkiffs } from "../../api/skiff-node.ts";
import { defineController, settled, type Watched } from "../../client/controller.ts";
import { ingressOf, isOurs } from "./decide.ts";

/** Only what a load balancer's addresses depend on: heartbeats mean no work. */
const addressesChanged: Watched<Node> = {
  kind: node,
  keys: (_, cache) => cache.list(service).filter(isOurs).map(keyOf),
  matters: ({ before, after }) => !isDeepStrictEqual(placed(before), placed(after)),
};

/** Says where Services of type LoadBalancer are reached: the built-in cloud provider's part (Kubernetes docs, "Service"). */
export const serviceLoadBalancerController = defineController({
  name: "service-load-balancer",
  component: "service-controller",
  reconciles: service,
  watches: [addressesChanged],

  async reconcile(key, { cache, client }) {
    const balanced = cache.get(service, key);
    const nodes = cache.list(node);
    if (!balanced || !nodes.some(isSkiffs)) return settled;
    const before = balanced.status?.loadBalancer?.ingress ?? [];
    // A Service that is no longer of this type loses what it had; one of another implementation is not ours to touch.
    if (!isOurs(balanced) && (balanced.spec.type === "LoadBalancer" || before.length === 0)) return settled;
    const ingress = isOurs(balanced) ? ingressOf(balanced, nodes) : [];
    if (isDeepStrictEqual(before, ingress)) return settled;
    const loadBalancer = ingress.length > 0 ? { ingress } : {};
    await cache.seen(await client.updateStatus(service, { ...balanced, status: { ...balanced.status, loadBalancer } }));
    return settled;
  },
});

function placed(object: Node | undefined): unknown {
  if (!object) return undefined;
  const ready = object.status?.conditions?.find(({ type }) => type === "Ready")?.status;
  return [object.status?.addresses, object.metadata.labels, ready];
}
