import { addressBits, cidrContains, type Ip, ipText, parseIp } from "../../../base/ip.ts";
import { CelError, OpaqueValue } from "../values.ts";
import { type Overload, overload } from "./overload.ts";

class IpValue extends OpaqueValue {
  override readonly typeName = "net.IP";
  readonly ip: Ip;
  override readonly size: number;
  constructor(ip: Ip) {
    super();
    this.ip = ip;
    this.size = addressBits(ip.family) / 8;
  }
  override equals(other: OpaqueValue): boolean {
    return other instanceof IpValue && other.ip.family === this.ip.family && other.ip.bits === this.ip.bits;
  }
}

class CidrValue extends OpaqueValue {
  override readonly typeName = "net.CIDR";
  readonly ip: Ip;
  readonly prefix: number;
  override readonly size: number;
  constructor(ip: Ip, prefix: number) {
    super();
    this.ip = ip;
    this.prefix = prefix;
    this.size = Math.ceil(prefix / 8);
  }
  get masked(): Ip {
    const shift = BigInt(addressBits(this.ip.family) - this.prefix);
    return { family: this.ip.family, bits: (this.ip.bits >> shift) << shift };
  }
  override equals(other: OpaqueValue): boolean {
    return (
      other instanceof CidrValue &&
      other.prefix === this.prefix &&
      other.ip.family === this.ip.family &&
      other.ip.bits === this.ip.bits
    );
  }
}

function ipFrom(text: string): Ip | undefined {
  const ip = parseIp(text);
  // An IPv4 address inside an IPv6 address would be two texts for one place.
  return ip && ip.family === 6 && ip.bits >> 32n === 0xffffn ? undefined : ip;
}

function readIp(text: string): IpValue {
  const ip = ipFrom(text);
  if (ip) return new IpValue(ip);
  if (parseIp(text)) throw new CelError(`IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`);
  const why = `ParseAddr(${JSON.stringify(text)}): unable to parse IP`;
  throw new CelError(`IP Address ${JSON.stringify(text)} parse error during conversion from string: ${why}`);
}

function cidrFrom(text: string): CidrValue | undefined {
  const [, address = "", digits = ""] = /^([^/]+)\/(0|[1-9]\d*)$/.exec(text) ?? [];
  const ip = ipFrom(address);
  return ip && Number(digits) <= addressBits(ip.family) ? new CidrValue(ip, Number(digits)) : undefined;
}

function readCidr(text: string): CidrValue {
  const cidr = cidrFrom(text);
  if (cidr) return cidr;
  const why = `netip.ParsePrefix(${JSON.stringify(text)}): ${text.includes("/") ? "ParseAddr" : "no '/'"}`;
  const head = "network address parse error during conversion from string: ";
  throw new CelError(head + head + why);
}

function hasIp(cidr: CidrValue, ip: IpValue): boolean {
  const { family, bits } = cidr.masked;
  return cidrContains({ family, first: bits, prefix: cidr.prefix }, ip.ip);
}

function hasCidr(outer: CidrValue, inner: CidrValue): boolean {
  return inner.prefix >= outer.prefix && hasIp(outer, new IpValue(inner.ip));
}

interface Place {
  readonly v4: readonly [address: string, prefix: number][];
  readonly v6: readonly [address: string, prefix: number][];
}

function isWithin({ v4, v6 }: Place): (value: IpValue) => boolean {
  return (value) =>
    (value.ip.family === 4 ? v4 : v6).some(([address, prefix]) => {
      const network = ipFrom(address);
      return network !== undefined && hasIp(new CidrValue(network, prefix), value);
    });
}

const isUnspecified = isWithin({ v4: [["0.0.0.0", 32]], v6: [["::", 128]] });
const isLoopback = isWithin({ v4: [["127.0.0.0", 8]], v6: [["::1", 128]] });
const isLinkLocalMulticast = isWithin({ v4: [["224.0.0.0", 24]], v6: [["ff02::", 16]] });
const isLinkLocalUnicast = isWithin({ v4: [["169.254.0.0", 16]], v6: [["fe80::", 10]] });
const isMulticastOrBroadcast = isWithin({
  v4: [
    ["224.0.0.0", 4],
    ["255.255.255.255", 32],
  ],
  v6: [["ff00::", 8]],
});

function isGlobalUnicast(value: IpValue): boolean {
  return ![isUnspecified, isLoopback, isMulticastOrBroadcast, isLinkLocalUnicast].some((is) => is(value));
}

/** Kubernetes docs, "Common Expression Language in Kubernetes", sections "Kubernetes IP address library" and "… CIDR library". */
export const addresses: Overload[] = [
  overload("string_to_ip", "ip(string): net.IP", readIp),
  overload("is_ip", "isIP(string): bool", (text: string) => ipFrom(text) !== undefined),
  overload("ip_is_canonical", "ip.isCanonical(string): bool", (text: string) => ipText(readIp(text).ip) === text),
  overload("ip_to_string", "string(net.IP): string", ({ ip }: IpValue) => ipText(ip)),
  overload("ip_family", "(net.IP).family(): int", ({ ip }: IpValue) => BigInt(ip.family)),
  overload("ip_is_unspecified", "(net.IP).isUnspecified(): bool", isUnspecified),
  overload("ip_is_loopback", "(net.IP).isLoopback(): bool", isLoopback),
  overload("ip_is_link_local_multicast", "(net.IP).isLinkLocalMulticast(): bool", isLinkLocalMulticast),
  overload("ip_is_link_local_unicast", "(net.IP).isLinkLocalUnicast(): bool", isLinkLocalUnicast),
  overload("ip_is_global_unicast", "(net.IP).isGlobalUnicast(): bool", isGlobalUnicast),

  overload("string_to_cidr", "cidr(string): net.CIDR", readCidr),
  overload("is_cidr", "isCIDR(string): bool", (text: string) => cidrFrom(text) !== undefined),
  overload("cidr_to_string", "string(net.CIDR): string", ({ ip, prefix }: CidrValue) => `${ipText(ip)}/${prefix}`),
  overload("cidr_contains_ip_string", "(net.CIDR).containsIP(string): bool", (cidr: CidrValue, text: string) =>
    hasIp(cidr, readIp(text)),
  ),
  overload("cidr_contains_ip_ip", "(net.CIDR).containsIP(net.IP): bool", hasIp),
  overload("cidr_contains_cidr_string", "(net.CIDR).containsCIDR(string): bool", (cidr: CidrValue, text: string) =>
    hasCidr(cidr, readCidr(text)),
  ),
  overload("cidr_contains_cidr", "(net.CIDR).containsCIDR(net.CIDR): bool", hasCidr),
  overload("cidr_ip", "(net.CIDR).ip(): net.IP", ({ ip }: CidrValue) => new IpValue(ip)),
  overload(
    "cidr_masked",
    "(net.CIDR).masked(): net.CIDR",
    (cidr: CidrValue) => new CidrValue(cidr.masked, cidr.prefix),
  ),
  overload("cidr_prefix_length", "(net.CIDR).prefixLength(): int", ({ prefix }: CidrValue) => BigInt(prefix)),
];
