import { node } from "../../api/kinds/core/node.ts";
import { isLeaving } from "../../api/object.ts";
import { type Cidr, cidrText } from "../../base/ip.ts";
import { type Controller, defineController, settled } from "../../client/controller.ts";
import { canonicalRange, freeRange, type NodePrefixes } from "./decide.ts";

/**
 * Gives every node a range of pod addresses of its own out of each of the cluster's networks. `prefixes`: how large these
 * are, by family.
 */
export function nodeIpamController(clusterCidrs: readonly Cidr[], prefixes: NodePrefixes): Controller {
  return defineController({
    name: "node-ipam",
    component: "cidrAllocator",
    account: "node-controller",
    reconciles: node,
    // One at a time: two nodes must not be given the same range.
    workers: 1,

    async reconcile({ name }, { cache, client, events }) {
      const bare = cache.get(node, { name });
      if (!bare || isLeaving(bare) || (bare.spec.podCIDRs?.length ?? 0) > 0) return settled;
      const others = cache.list(node).filter((other) => other.metadata.name !== name);
      const taken = new Set(others.flatMap(({ spec }) => spec.podCIDRs ?? []).map(canonicalRange));
      const ranges = clusterCidrs.flatMap((cluster) => freeRange(cluster, taken, prefixes) ?? []);
      if (ranges.length < clusterCidrs.length) {
        const message = `Node ${name} status is now: CIDRNotAvailable`;
        events.record(bare, { type: "Normal", reason: "CIDRNotAvailable", message });
        throw new Error(
          `no range of ${clusterCidrs.map(cidrText).join(", ")} is free: a larger --cluster-cidr holds more nodes`,
        );
      }
      const document = { spec: { podCIDR: ranges[0], podCIDRs: ranges } };
      await cache.seen(await client.patch(node, { name }, { type: "strategic", document }));
      return settled;
    },
  });
}
