import { type Cidr, cidrContains, cidrText, type Ip, ipText, parseCidr, parseIp } from "../../base/ip.ts";
import type { FieldError, Path } from "../field.ts";

const addressMessage = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const networkMessage = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

export function validateIp(text: string, at: Path): FieldError[] {
  const fault = ipFault(text);
  return fault === undefined ? [] : [at.invalid(text, fault)];
}

export function validateCidr(text: string, at: Path): FieldError[] {
  const fault = cidrFault(text);
  return fault === undefined ? [] : [at.invalid(text, fault)];
}

function ipFault(text: string): string | undefined {
  const ip = parseIp(withoutLeadingZeros(text));
  if (!ip) return addressMessage;
  if (!parseIp(text)) return "must not have leading 0s";
  return isMapped(ip) ? "must not be an IPv4-mapped IPv6 address" : undefined;
}

function cidrFault(text: string): string | undefined {
  const cidr = parseCidr(withoutLeadingZeros(text));
  if (!cidr) return networkMessage;
  if (!parseCidr(text)) return "must not have leading 0s in IP or prefix length";
  const ip = parseIp(text.split("/")[0] ?? "");
  if (ip && isMapped(ip)) return "must not have an IPv4-mapped IPv6 address";
  return ip?.bits === cidr.first ? undefined : "must not have bits set beyond the prefix length";
}

/** Decimal parts of an address, and the length of a prefix, as they are read where zeros before them mean nothing. */
function withoutLeadingZeros(text: string): string {
  return text.replace(/(^|[./]|:(?=\d+\.))0+(?=\d+(?:[./]|$))/g, "$1");
}

function isMapped({ family, bits }: Ip): boolean {
  return family === 6 && bits >> 32n === 0xffffn;
}

/** An address that is read and yet not written as it should be. `at`: its place. */
export function addressWarnings(text: string, at: string): string[] {
  const ip = parseIp(text);
  if (ip?.family !== 6 || ipText(ip) === text) return [];
  return [
    `${at}: IPv6 address ${JSON.stringify(text)} should be in RFC 5952 canonical format (${JSON.stringify(ipText(ip))})`,
  ];
}

/** The same for a network. */
export function networkWarnings(text: string, at: string): string[] {
  const cidr = parseCidr(text);
  if (cidr?.family !== 6 || cidrText(cidr) === text) return [];
  return [
    `${at}: IPv6 CIDR value ${JSON.stringify(text)} should be in RFC 5952 canonical format (${JSON.stringify(cidrText(cidr))})`,
  ];
}

/** A network written as it should be: no bits behind the prefix, in the canonical form. */
export function validateCanonicalCidr(text: string, at: Path): FieldError[] {
  const cidr = parseCidr(text);
  const fault = cidrFault(text);
  if (!cidr || fault !== undefined) return validateCidr(text, at);
  const canonical = cidrText(cidr);
  return canonical === text ? [] : [at.invalid(text, `must be in canonical form (${JSON.stringify(canonical)})`)];
}

/** An address with the length of its network's prefix, in the canonical form. */
export function validateInterfaceAddress(text: string, at: Path): FieldError[] {
  const plain = withoutLeadingZeros(text);
  const [address = "", prefix = ""] = plain.split("/");
  const ip = parseIp(address);
  if (!ip || !parseCidr(plain))
    return [at.invalid(text, "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)")];
  const canonical = `${ipText(ip)}/${Number(prefix)}`;
  return canonical === text ? [] : [at.invalid(text, `must be in canonical form (${JSON.stringify(canonical)})`)];
}

/** The rule for names that are addresses. */
export function canonicalIp(text: string): readonly string[] {
  const ip = parseIp(text);
  const fault = ipFault(text);
  if (!ip || fault !== undefined) return [fault ?? addressMessage];
  const canonical = ipText(ip);
  return canonical === text ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

/** Whether `inner` lies in `outer` and is smaller. */
export function isStrictSubset(inner: Cidr, outer: Cidr): boolean {
  return inner.prefix > outer.prefix && cidrContains(outer, { family: inner.family, bits: inner.first });
}

/** An address that others can reach: of no network of the host itself. */
export function validateNonSpecialIp(text: string, at: Path): FieldError[] {
  const ip = parseIp(text);
  if (!ip) return [at.invalid(text, "must be a valid IP address")];
  return specialRanges
    .filter(({ ranges }) => ranges.some((range) => range.family === ip.family && cidrContains(range, ip)))
    .map(({ message }) => at.invalid(text, message.replace("ADDRESS", text)));
}

const specialRanges = [
  { ranges: ["0.0.0.0/32", "::/128"], message: "may not be unspecified (ADDRESS)" },
  { ranges: ["127.0.0.0/8", "::1/128"], message: "may not be in the loopback range (127.0.0.0/8, ::1/128)" },
  {
    ranges: ["169.254.0.0/16", "fe80::/10"],
    message: "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
  },
  {
    ranges: ["224.0.0.0/24", "ff02::/16"],
    message: "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
  },
].map(({ ranges, message }) => ({ message, ranges: ranges.flatMap((text) => parseCidr(text) ?? []) }));
