import { type Cidr, cidrAddress, cidrSize, parseCidr } from "../../base/ip.ts";

/** The length of the prefix that a node's range gets, by family. */
export type NodePrefixes = Readonly<Record<4 | 6, number>>;

/**
 * A free range for a node out of the cluster's network; undefined when all are taken.
 * `taken`: the ranges of all other nodes, as texts.
 */
export function freeRange(cluster: Cidr, taken: ReadonlySet<string>, prefixes: NodePrefixes): string | undefined {
  const prefix = Math.max(prefixes[cluster.family], cluster.prefix);
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
