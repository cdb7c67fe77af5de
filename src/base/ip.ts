import { isIP } from "node:net";

/** An IP address as a number, with its family. */
export interface Ip {
  readonly family: 4 | 6;
  readonly bits: bigint;
}

/** A network: its first address and the length of its prefix. */
export interface Cidr {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly prefix: number;
}

export const addressBits = (family: 4 | 6): number => (family === 4 ? 32 : 128);

/** The address, or undefined when the text is none. IPv6 zones are refused. */
export function parseIp(text: string): Ip | undefined {
  const family = isIP(text);
  if (family === 4) return { family: 4, bits: quads(text) };
  if (family !== 6 || text.includes("%")) return undefined;
  const [head = "", tail] = text.split("::");
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0n);
  return { family: 6, bits: [...before, ...zeros, ...after].reduce((bits, group) => (bits << 16n) | group, 0n) };
}

/** The address in its canonical text (RFC 5952 for IPv6). */
export function ipText({ family, bits }: Ip): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join(".");
  const parts = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  const text = parts.join(":");
  // The first of the longest runs of two or more zero groups becomes "::".
  const [longest] = [...text.matchAll(/\b0(?::0)+\b/g)].sort((a, b) => b[0].length - a[0].length || a.index - b.index);
  if (!longest) return text;
  return `${text.slice(0, longest.index).replace(/:$/, "")}::${text.slice(longest.index + longest[0].length).replace(/^:/, "")}`;
}

/** The network, or undefined when the text is none. Bits behind the prefix are cleared. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const ip = parseIp(text.slice(0, Math.max(slash, 0)));
  const length = text.slice(slash + 1);
  if (!ip || !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const prefix = Number(length);
  if (prefix > addressBits(ip.family)) return undefined;
  const hostBits = BigInt(addressBits(ip.family) - prefix);
  return { family: ip.family, first: (ip.bits >> hostBits) << hostBits, prefix };
}

export function cidrText({ family, first, prefix }: Cidr): string {
  return `${ipText({ family, bits: first })}/${prefix}`;
}

/** How many addresses the network has. */
export function cidrSize({ family, prefix }: Cidr): bigint {
  return 1n << BigInt(addressBits(family) - prefix);
}

export function cidrContains(cidr: Cidr, ip: Ip): boolean {
  return ip.family === cidr.family && ip.bits >= cidr.first && ip.bits < cidr.first + cidrSize(cidr);
}

/** The address that is `offset` behind the network's first. */
export function cidrAddress(cidr: Cidr, offset: bigint | number): string {
  return ipText({ family: cidr.family, bits: cidr.first + BigInt(offset) });
}

function quads(text: string): bigint {
  return text.split(".").reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

/** The 16-bit groups of one side of "::", an IPv4 tail among them. */
function groups(text: string): bigint[] {
  if (text === "") return [];
  return text.split(":").flatMap((part) => {
    if (!part.includes(".")) return [BigInt(`0x${part}`)];
    const bits = quads(part);
    return [bits >> 16n, bits & 0xffffn];
  });
}
