import { type Cidr, cidrAddress, cidrSize, parseCidr } from "../../base/ip.ts";

/** The length of the prefix that a node's range gets, by family (k3s' and Kubernetes' defaults). */
export const nodePrefix = { 4: 24, 6: 64 } as const;

/**
 * A free range for a node out of the cluster's network; undefined when all are taken.
 * `taken`: the ranges of all other nodes, as texts.
 */
export function freeRange(cluster: Cidr, taken: ReadonlySet<string>): string | undefined {
  const prefix = Math.max(nodePrefix[cluster.family], cluster.prefix);
  const size = cidrSize({ ...cluster, prefix });
  const count = cidrSize(cluster) / size;
  for (let at = 0n; at < count; at++) {
    const text = `${cidrAddress(cluster, at * size)}/${prefix}`;
    if (!taken.has(text)) return text;
  }
  return undefined;
}

/** The same range in one spelling, so that texts can be compared. */
export function canonicalRange(text: string): string {
  const cidr = parseCidr(text);
  return cidr ? `${cidrAddress(cidr, 0)}/${cidr.prefix}` : text;
}
