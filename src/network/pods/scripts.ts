import { parseIp } from "../../base/ip.ts";
import { gateway4, gateway6, nodeLink, nodeLinkPeer, routeProtocol } from "./names.ts";

/** Lines for `ip -batch`. All but `makeLink` may be repeated: they replace what is there. */
export interface PodWiring {
  readonly link: string;
  readonly alias: string;
  readonly ips: readonly string[];
  readonly mtu: number;
  /** The node's own addresses, one a family: where the node's packets to pods seem to come from. */
  readonly nodeIps: readonly string[];
}

const isV6 = (ip: string): boolean => parseIp(ip)?.family === 6;
const hostRoute = (ip: string): string => `${ip}/${isV6(ip) ? 128 : 32}`;

/** Makes the pair; the pod's end goes straight into the namespace of process `pid`. */
export function makeLink({ link, mtu }: PodWiring, pid: number): string[] {
  return [`link add ${link} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${pid}`];
}

/** The node's side. */
export function wireOutside({ link, alias, ips, mtu, nodeIps }: PodWiring): string[] {
  const sources = new Map(nodeIps.map((ip) => [isV6(ip), ip]));
  return [
    `link set ${link} alias "${alias}" mtu ${mtu} up`,
    ...(ips.some(isV6) ? [`addr replace ${gateway6}/64 dev ${link} nodad`] : []),
    ...ips.map((ip) => {
      const source = sources.get(isV6(ip));
      return `route replace ${hostRoute(ip)} dev ${link} proto ${routeProtocol}${source ? ` src ${source}` : ""}`;
    }),
  ];
}

/** The pod's side. Its address has no network around it: everything goes by the gateway, a neighbour pod as well. */
export function wireInside({ ips, mtu }: PodWiring): string[] {
  const v4 = ips.some((ip) => !isV6(ip));
  const v6 = ips.some(isV6);
  return [
    "link set lo up",
    ...ips.map((ip) => `addr replace ${hostRoute(ip)} dev eth0${isV6(ip) ? " nodad" : ""}`),
    `link set eth0 mtu ${mtu} up`,
    ...(v4
      ? [`route replace ${gateway4}/32 dev eth0 scope link`, `route replace 0.0.0.0/0 via ${gateway4} dev eth0`]
      : []),
    ...(v6 ? [`route replace ::/0 via ${gateway6} dev eth0`] : []),
  ];
}

export interface NodeWiring {
  readonly nodeIps: readonly string[];
  readonly dnsIps: readonly string[];
  readonly serviceCidrs: readonly string[];
}

export function makeNodeLink(): string[] {
  return [`link add ${nodeLink} type veth peer name ${nodeLinkPeer}`];
}

/**
 * The node's own link: the node's address among the pods, the address of the cluster's DNS, the pods' gateway, and a
 * route for Services, without which a node that has no default route could not even begin to send to one.
 */
export function wireNode({ nodeIps, dnsIps, serviceCidrs }: NodeWiring): string[] {
  const addresses = [...nodeIps, ...dnsIps].map(
    (ip) => `addr replace ${hostRoute(ip)} dev ${nodeLink}${isV6(ip) ? " nodad" : ""}`,
  );
  const routes = serviceCidrs.map((cidr) => {
    const source = nodeIps.find((ip) => isV6(ip) === cidr.includes(":"));
    return `route replace ${cidr} dev ${nodeLink} proto ${routeProtocol}${source ? ` src ${source}` : ""}`;
  });
  return [
    `link set ${nodeLink} alias "skiff-node" up`,
    `link set ${nodeLinkPeer} alias "skiff-node" up`,
    ...addresses,
    `addr replace ${gateway4}/32 dev ${nodeLink} scope link`,
    ...routes,
  ];
}
