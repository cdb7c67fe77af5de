import { type Backend, vxlan } from "../pods/routes.ts";
import { wireguard } from "../pods/wireguard.ts";

/** A node, as another one sees it. */
export interface PathEnd {
  readonly name: string;
  /** Its address among nodes. */
  readonly nodeIp: string;
}

/** Packets between pods of two nodes that do not arrive. */
export interface Obstacle {
  readonly from: PathEnd;
  readonly to: PathEnd;
  /** The length from which on they do not; absent: none does. */
  readonly fromBytes?: number;
}

/**
 * What asking another node has shown; undefined where packets pass. `wasHeard`: its own questions arrive here, so that it must be
 * ours that do not arrive there; where nothing of it is heard, at least its packets do not arrive.
 */
export function obstacleBetween(
  own: PathEnd,
  peer: PathEnd,
  seen: { readonly small: boolean; readonly large: boolean; readonly wasHeard: boolean; readonly mtu: number },
): Obstacle | undefined {
  if (seen.small) return seen.large ? undefined : { from: own, to: peer, fromBytes: seen.mtu };
  return seen.wasHeard ? { from: own, to: peer } : { from: peer, to: own };
}

/** One sentence: what does not arrive, from where to where, and what would help. */
export function sentenceOf(
  { from, to, fromBytes }: Obstacle,
  backend: Backend,
  clusterCidrs: readonly string[],
): string {
  const way = `from node ${from.name} (${from.nodeIp}) to node ${to.name} (${to.nodeIp})`;
  if (fromBytes !== undefined)
    return `packets of ${fromBytes} bytes between pods do not arrive ${way}, shorter ones do: the network between the nodes takes less than the MTU of ${from.name}'s link, so lower the link's MTU there and restart skiff`;
  const letIn = `let ${clusterCidrs.join(" and ")} pass in the firewalls of both nodes`;
  const port = backend === "vxlan" ? vxlan.port : backend === "wireguard" ? wireguard.port : undefined;
  const routers =
    backend === "wireguard"
      ? "; where routers rewrite addresses on the way, both must reach the node of a server, which tells each where the other is heard"
      : "";
  if (port !== undefined)
    return `pods' packets (${backend}, UDP port ${port}) do not arrive ${way}: open UDP ${port} between the nodes and ${letIn}${routers}`;
  return `pods' packets (${backend}, as they are) do not arrive ${way}: the nodes must be on one network that lets pods' addresses pass; ${letIn}, or take another --flannel-backend`;
}
