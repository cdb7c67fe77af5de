import type { Node } from "../../api/schema/types.ts";
import { parseIp } from "../../base/ip.ts";

/** The port is flannel's. Kept alive, so that a node behind a router that rewrites addresses stays reachable. */
export const wireguard = {
  link: "skiffwg",
  port: 51820,
  overheadBytes: { 4: 60, 6: 80 },
  keepaliveSeconds: 25,
} as const;

/** Where a node publishes its key; the key's other half never leaves it. */
export const publicKeyAnnotation = "skiff.io/wireguard-public-key";

/** Where a server's node hears a node that others do not find at its address: behind a router that rewrites addresses. */
export const heardAtAnnotation = "skiff.io/wireguard-heard-at";

/** A key as WireGuard writes it: 32 bytes in base64. */
export function isKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{43}=$/.test(text);
}

export function publicKeyOf({ metadata }: Node): string | undefined {
  const key = metadata.annotations?.[publicKeyAnnotation];
  return key !== undefined && isKey(key) ? key : undefined;
}

export function heardAtOf({ metadata }: Node): string | undefined {
  const place = metadata.annotations?.[heardAtAnnotation];
  return place !== undefined && isEndpoint(place) ? place : undefined;
}

/** "192.0.2.1:51820", "[2001:db8::1]:51820" */
function isEndpoint(text: string): boolean {
  const [, v6, v4, port] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  return parseIp(v6 ?? v4 ?? "")?.family === (v6 === undefined ? 4 : 6) && Number(port) < 65_536;
}

/** Where a node listens when nothing on the way rewrites addresses. */
export function endpointAt(nodeIp: string): string {
  return `${nodeIp.includes(":") ? `[${nodeIp}]` : nodeIp}:${wireguard.port}`;
}

/** A node at the other end of a tunnel. */
export interface WireguardPeer {
  readonly publicKey: string;
  /** Where it was last told, or last heard, to be. */
  readonly endpoint: string;
  readonly allowedIps: readonly string[];
}

/** One as the kernel has it. */
export interface PresentPeer extends WireguardPeer {
  /** When both last agreed on keys; 0: never. */
  readonly handshakeMs: number;
}

// What WireGuard itself holds a session for (its paper, section 6.1): by then it would have agreed anew.
const sessionMs = 180_000;

/** The nodes behind ranges: one peer for each key. */
export function peersFrom(
  ranges: readonly { readonly cidr: string; readonly nodeIp: string; readonly publicKey?: string }[],
): WireguardPeer[] {
  const peers = new Map<string, { endpoint: string; allowedIps: string[] }>();
  for (const { cidr, nodeIp, publicKey } of ranges) {
    if (!publicKey) continue;
    const endpoint = endpointAt(nodeIp);
    const peer = peers.get(publicKey);
    // A key that two nodes show is the first one's: nobody may take over another's packets with it.
    if (!peer) peers.set(publicKey, { endpoint, allowedIps: [cidr] });
    else if (peer.endpoint === endpoint) peer.allowedIps.push(cidr);
  }
  return [...peers].map(([publicKey, peer]) => ({ publicKey, ...peer }));
}

/**
 * What `wg set LINK` is to be given so that the peers there become those that are wanted; nothing when they are. A tunnel that
 * works keeps the endpoint at which its node was heard, which behind a router is not the node's own address.
 * `moved`: the keys of nodes that have said that their address is another.
 */
export function peerArguments(
  there: readonly PresentPeer[],
  wanted: readonly WireguardPeer[],
  { moved, nowMs }: { moved: ReadonlySet<string>; nowMs: number },
): string[] {
  const present = new Map(there.map((peer) => [peer.publicKey, peer]));
  const keys = new Set(wanted.map(({ publicKey }) => publicKey));
  const gone = there.filter(({ publicKey }) => !keys.has(publicKey));
  return [
    ...gone.flatMap(({ publicKey }) => ["peer", publicKey, "remove"]),
    ...wanted.flatMap(({ publicKey, endpoint, allowedIps }) => {
      const now = present.get(publicKey);
      const works = now !== undefined && isWorking(now, nowMs) && !moved.has(publicKey);
      const endpointStays = now !== undefined && (works || now.endpoint === endpoint);
      const rangesStay = now !== undefined && now.allowedIps.toSorted().join() === allowedIps.toSorted().join();
      if (endpointStays && rangesStay) return [];
      return [
        ...["peer", publicKey],
        ...(endpointStays ? [] : ["endpoint", endpoint]),
        ...["persistent-keepalive", String(wireguard.keepaliveSeconds), "allowed-ips", allowedIps.join(",")],
      ];
    }),
  ];
}

/**
 * What `wg set LINK` is to be given to look for a silent node at the other of its two places. Both nodes of a pair do so time and
 * again: as soon as each has sent a packet to where the other is heard, the routers let both in (RFC 5128, "UDP hole punching").
 */
export function otherPlaceArguments(
  there: readonly PresentPeer[],
  { publicKey, nodeIp, heardAt }: { publicKey: string; nodeIp: string; heardAt: string },
  nowMs: number,
): string[] {
  const now = there.find((peer) => peer.publicKey === publicKey);
  if (!now || isWorking(now, nowMs)) return [];
  return ["peer", publicKey, "endpoint", now.endpoint === heardAt ? endpointAt(nodeIp) : heardAt];
}

/** The nodes that are heard, by key, and where. */
export function heardIn(there: readonly PresentPeer[], nowMs: number): ReadonlyMap<string, string> {
  return new Map(
    there.filter((peer) => isWorking(peer, nowMs)).map(({ publicKey, endpoint }) => [publicKey, endpoint]),
  );
}

const isWorking = ({ handshakeMs }: PresentPeer, nowMs: number): boolean => nowMs - handshakeMs < sessionMs;

/** The link's own end, as the first line of what `wg show LINK dump` prints tells it. */
export function presentEndFrom(dump: string): { readonly publicKey: string; readonly port: number } {
  const [, publicKey = "", port = ""] = dump.split("\n", 1)[0]?.split("\t") ?? [];
  return { publicKey, port: Number(port) };
}

/** Reads what `wg show LINK dump` prints. */
export function presentPeersFrom(dump: string): PresentPeer[] {
  const [, ...lines] = dump.trimEnd().split("\n");
  return lines.map((line) => {
    const [publicKey = "", , endpoint = "", allowedIps = "", handshakeSeconds = "0"] = line.split("\t");
    const handshakeMs = Number(handshakeSeconds) * 1000;
    return { publicKey, endpoint, allowedIps: allowedIps === "(none)" ? [] : allowedIps.split(","), handshakeMs };
  });
}
