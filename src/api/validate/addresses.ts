import { type Cidr, cidrContains, cidrText, ipText, parseCidr, parseIp } from "../../base/ip.ts";
import type { FieldError, Path } from "../field.ts";

const addressMessage = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const networkMessage = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

export function validateIp(text: string, at: Path): FieldError[] {
  return parseIp(text) ? [] : [at.invalid(text, addressMessage)];
}

export function validateCidr(text: string, at: Path): FieldError[] {
  return parseCidr(text) ? [] : [at.invalid(text, networkMessage)];
}

/** A network written as it should be: no bits behind the prefix, in the canonical form. */
export function validateCanonicalCidr(text: string, at: Path): FieldError[] {
  const cidr = parseCidr(text);
  const ip = parseIp(text.split("/")[0] ?? "");
  if (!cidr || !ip) return [at.invalid(text, networkMessage)];
  if (ip.bits !== cidr.first) return [at.invalid(text, "must not have bits set beyond the prefix length")];
  const canonical = cidrText(cidr);
  return canonical === text ? [] : [at.invalid(text, `must be in canonical form (${JSON.stringify(canonical)})`)];
}

/** The rule for names that are addresses. */
export function canonicalIp(text: string): readonly string[] {
  const ip = parseIp(text);
  if (!ip) return [addressMessage];
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
