import { createHash } from "node:crypto";
import type { Node } from "../../api/schema/types.ts";
import { type Cidr, cidrText, parseCidr, parseIp } from "../../base/ip.ts";
import { routeProtocol } from "./names.ts";
import type { KnownRange } from "./node-range.ts";
import { publicKeyOf, wireguard } from "./wireguard.ts";

/** How packets for pods of other nodes travel. `none`: something else (a CNI, a router) sees to it. */
export type Backend = "vxlan" | "host-gw" | "wireguard" | "none";

/** The ports and number of the overlay: those that k3s and flannel use. */
export const vxlan = { link: "skiffvx", id: 1, port: 8472, overheadBytes: { 4: 50, 6: 70 } } as const;

/** A range of pods that lives behind another node. */
export interface PeerRange {
  /** The range. */
  readonly cidr: string;
  /** That node's address on the network that the nodes share; "" where only the range is known. */
  readonly nodeIp: string;
  /** The hardware address of that node's end of the overlay. */
  readonly linkAddress: string;
  /** The key that it has published, by which WireGuard knows it. */
  readonly publicKey?: string;
}

/**
 * The ranges of all other nodes that say where they are. `family`: that of the addresses by which nodes reach each other,
 * when it is one for all (the overlay's); else that of each range where nodes have one.
 */
export function peerRanges(nodes: readonly Node[], nodeName: string, family?: 4 | 6): PeerRange[] {
  return nodes
    .filter(({ metadata }) => metadata.name !== nodeName)
    .flatMap((node) => {
      const cidrs = cidrsOf(node);
      const linkAddress = linkAddressOf(cidrs.map(cidrText)[0] ?? "");
      const publicKey = publicKeyOf(node);
      return cidrs.flatMap((cidr) => {
        const nodeIp = family ? internalIpOf(node, family) : (internalIpOf(node, cidr.family) ?? internalIpOf(node));
        return nodeIp ? [{ cidr: cidrText(cidr), nodeIp, linkAddress, ...(publicKey && { publicKey }) }] : [];
      });
    })
    .sort((a, b) => (a.cidr < b.cidr ? -1 : 1));
}

/** The node's address among nodes; of a family if one is asked for. */
export function internalIpOf({ status }: Node, family?: 4 | 6): string | undefined {
  return status?.addresses?.find(
    ({ type, address }) => type === "InternalIP" && (!family || parseIp(address)?.family === family),
  )?.address;
}

/** Commands for `ip -batch` (and `bridge -batch`) that change a node's peers from one list to another. */
export function routeCommands(
  backend: Backend,
  { from, to, nodeIps }: { from: readonly PeerRange[]; to: readonly PeerRange[]; nodeIps: readonly string[] },
): { ip: string[]; bridge: string[] } {
  const text = ({ cidr, nodeIp, linkAddress }: PeerRange): string => {
    if (backend === "wireguard") return cidr;
    return backend === "vxlan" ? `${cidr} ${nodeIp} ${linkAddress}` : `${cidr} ${nodeIp}`;
  };
  const [before, after] = [new Set(from.map(text)), new Set(to.map(text))];
  const gone = from.filter((peer) => !after.has(text(peer)));
  const come = to.filter((peer) => !before.has(text(peer)));
  const kept = new Set(to.map(({ cidr }) => cidr));
  if (backend === "none") return { ip: [], bridge: [] };
  const goneRoutes = gone
    .filter(({ cidr }) => !kept.has(cidr))
    .map(({ cidr }) => `route del ${cidr} proto ${routeProtocol}`);
  const source = ({ cidr }: PeerRange): string => {
    const own = nodeIps.find((ip) => parseIp(ip)?.family === parseCidr(cidr)?.family);
    return own ? ` src ${own}` : "";
  };
  if (backend === "host-gw") {
    const via = ({ cidr, nodeIp }: PeerRange) =>
      parseIp(nodeIp)?.family === parseCidr(cidr)?.family
        ? `via ${nodeIp}`
        : `via ${parseIp(nodeIp)?.family === 6 ? "inet6" : "inet"} ${nodeIp}`;
    const routes = come.map((peer) => `route replace ${peer.cidr} ${via(peer)} proto ${routeProtocol}${source(peer)}`);
    return { ip: [...goneRoutes, ...routes], bridge: [] };
  }
  if (backend === "wireguard") {
    const routes = come.map(
      (peer) => `route replace ${peer.cidr} dev ${wireguard.link} proto ${routeProtocol}${source(peer)}`,
    );
    return { ip: [...goneRoutes, ...routes], bridge: [] };
  }
  const end = ({ cidr }: PeerRange) => cidr.slice(0, cidr.indexOf("/"));
  const place = ({ linkAddress, nodeIp }: PeerRange) => `${linkAddress} dev ${vxlan.link} dst ${nodeIp}`;
  const places = new Set(to.map(place));
  return {
    bridge: [
      ...new Set(
        gone
          .filter(({ nodeIp }) => nodeIp !== "")
          .map(place)
          .filter((text) => !places.has(text))
          .map((text) => `fdb del ${text}`),
      ),
      ...new Set(come.map((peer) => `fdb replace ${place(peer)}`)),
    ],
    ip: [
      ...goneRoutes,
      ...come.flatMap((peer) => [
        `neigh replace ${end(peer)} lladdr ${peer.linkAddress} dev ${vxlan.link} nud permanent`,
        `route replace ${peer.cidr} via ${end(peer)} dev ${vxlan.link} onlink proto ${routeProtocol}${source(peer)}`,
      ]),
    ],
  };
}

/** The addresses of the overlay's link: the node's among nodes, and the hardware address of its range. */
export interface OverlayEnd {
  readonly nodeIp: string;
  readonly linkAddress: string;
}

/** Makes the overlay's link. Its hardware address is set once: to set it again makes the kernel forget its neighbours. */
export function makeOverlay({ nodeIp, linkAddress }: OverlayEnd): string[] {
  return [
    `link add ${vxlan.link} address ${linkAddress} type vxlan id ${vxlan.id} dstport ${vxlan.port} local ${nodeIp} nolearning`,
  ];
}

/** Puts it to work, and may be repeated. */
export function wireOverlay({ nodeIps }: KnownRange, mtu: number): string[] {
  return [`link set ${vxlan.link} alias "skiff-overlay" mtu ${mtu} up`, ...overlayAddresses(vxlan.link, nodeIps)];
}

/**
 * What leaves by an overlay with the node's address must have that of its range: another one's answers would come
 * back outside of the overlay, where nobody lets pods' addresses through.
 */
export function overlayAddresses(link: string, nodeIps: readonly string[]): string[] {
  return nodeIps.map((ip) =>
    parseIp(ip)?.family === 6 ? `addr replace ${ip}/128 dev ${link} nodad` : `addr replace ${ip}/32 dev ${link}`,
  );
}

/** The overlay's hardware address of the node that has this range: nodes compute it, so they need not tell each other. */
export function linkAddressOf(cidr: string): string {
  const digest = createHash("sha256").update(cidr).digest();
  // 02: locally administered, one receiver.
  return ["02", ...[...digest.subarray(0, 5)].map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}

function cidrsOf({ spec }: Node): Cidr[] {
  const texts = spec.podCIDRs?.length ? spec.podCIDRs : spec.podCIDR ? [spec.podCIDR] : [];
  return texts.flatMap((text) => parseCidr(text) ?? []);
}
