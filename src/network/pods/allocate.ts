import { type Cidr, cidrAddress, cidrSize } from "../../base/ip.ts";

/** No address is left in the node's range. */
export class AddressesExhausted extends Error {
  override readonly name = "AddressesExhausted";
}

/** The address of the node itself in its range: the first behind the network's own. */
export function nodeAddressIn(cidr: Cidr): string {
  return cidrAddress(cidr, 1);
}

/**
 * The next free address behind `after`, going round at the end: an address that was just freed rests as long as possible,
 * because clients may still hold it. The network's own address, the node's, and IPv4's broadcast address are never given.
 */
export function nextAddress(cidr: Cidr, taken: ReadonlySet<string>, after: bigint): { ip: string; offset: bigint } {
  const first = 2n;
  const end = cidrSize(cidr) - (cidr.family === 4 ? 1n : 0n);
  const count = end - first;
  for (let step = 1n; step <= count && step <= BigInt(taken.size) + 1n; step++) {
    const offset = first + ((((after - first + step) % count) + count) % count);
    const ip = cidrAddress(cidr, offset);
    if (!taken.has(ip)) return { ip, offset };
  }
  throw new AddressesExhausted(
    `all ${count > 0n ? count : 0n} pod addresses of ${cidrAddress(cidr, 0)}/${cidr.prefix} are in use`,
  );
}
