import type { LoadBalancerIngress, Node, Service } from "../../api/schema/types.ts";
import { isSkiffs } from "../../api/skiff-node.ts";

/** Whether the built-in load balancer is asked for: a Service of that type that names no other implementation. */
export function isOurs({ spec }: Service): boolean {
  return spec.type === "LoadBalancer" && spec.loadBalancerClass === undefined;
}

/**
 * Where a load balancer answers: the addresses of all of skiff's nodes that are ready and not left out, external ones before
 * internal ones, of the Service's families.
 */
export function ingressOf({ spec }: Service, nodes: readonly Node[]): LoadBalancerIngress[] {
  const families = spec.ipFamilies ?? ["IPv4"];
  const addresses = nodes.filter(balances).flatMap(({ status }) => {
    const of = (type: string) =>
      (status?.addresses ?? []).filter((address) => address.type === type).map(({ address }) => address);
    const external = of("ExternalIP");
    return external.length > 0 ? external : of("InternalIP");
  });
  const fitting = addresses.filter((address) => families.includes(address.includes(":") ? "IPv6" : "IPv4"));
  return [...new Set(fitting)].sort().map((ip) => ({ ip, ipMode: "VIP" }));
}

/** Only a node of skiff's own answers at its addresses; a node may be kept out (Kubernetes docs, "Well-Known Labels"). */
function balances(node: Node): boolean {
  const { metadata, status } = node;
  if (!isSkiffs(node)) return false;
  if (metadata.labels?.["node.kubernetes.io/exclude-from-external-load-balancers"] !== undefined) return false;
  return status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
}
