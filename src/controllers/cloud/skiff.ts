import type { LoadBalancerIngress, Node, Service } from "../../api/schema/types.ts";
import { isNodeReady } from "../nodes.ts";
import type { CloudProvider } from "./provider.ts";

/**
 * The built-in provider: every node of skiff's is a machine, and a load balancer that answers at its addresses. Its addresses a
 * node says itself: it knows first when they change.
 */
export const skiffProvider: CloudProvider = {
  instanceOf: (node) => (isSkiffs(node) ? { id: `skiff://${node.metadata.name}`, type: "skiff" } : undefined),
  ingressOf: (service, nodes) => (nodes.some(isSkiffs) ? ingressOf(service, nodes) : undefined),
  balances({ status }, nodes) {
    const ingress = status?.loadBalancer?.ingress ?? [];
    const own = new Set(
      nodes
        .filter(isSkiffs)
        .flatMap((node) => node.status?.addresses ?? [])
        .map(({ address }) => address),
    );
    return ingress.length > 0 && ingress.every(({ ip }) => ip !== undefined && own.has(ip));
  },
};

/** The addresses of all nodes that are ready and not left out, external ones before internal ones, of the Service's families. */
function ingressOf({ spec }: Service, nodes: readonly Node[]): LoadBalancerIngress[] {
  const families = spec.ipFamilies ?? ["IPv4"];
  const addresses = nodes.filter(isBalancing).flatMap(({ status }) => {
    const of = (type: string) =>
      (status?.addresses ?? []).filter((address) => address.type === type).map(({ address }) => address);
    const external = of("ExternalIP");
    return external.length > 0 ? external : of("InternalIP");
  });
  const fitting = addresses.filter((address) => families.includes(address.includes(":") ? "IPv6" : "IPv4"));
  return [...new Set(fitting)].sort().map((ip) => ({ ip, ipMode: "VIP" }));
}

/** Whether the node's agent is skiff's: without one, another program's load balancer is left alone. */
function isSkiffs({ status }: Node): boolean {
  return status?.nodeInfo?.kubeletVersion.includes("+skiff") ?? false;
}

/** Only a node of skiff's own answers at its addresses; a node may be kept out (Kubernetes docs, "Well-Known Labels"). */
function isBalancing(node: Node): boolean {
  const { metadata } = node;
  if (!isSkiffs(node)) return false;
  if (metadata.labels?.["node.kubernetes.io/exclude-from-external-load-balancers"] !== undefined) return false;
  return isNodeReady(node);
}
