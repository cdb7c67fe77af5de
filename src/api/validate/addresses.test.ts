import { describe, expect, test } from "vitest";
import { Path } from "../field.ts";
import { canonicalIp, validateCidr, validateIp } from "./addresses.ts";

const at = new Path("ip");
const addressForm = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";

describe("an address", () => {
  test.each<[text: string, wrong: string | undefined]>([
    ["10.0.0.1", undefined],
    ["::", undefined],
    ["2001:db8::1", undefined],
    ["010.0.0.1", "must not have leading 0s"],
    ["10.0.0.00", "must not have leading 0s"],
    ["::ffff:10.0.0.1", "must not be an IPv4-mapped IPv6 address"],
    ["::ffff:010.0.0.1", "must not have leading 0s"],
    ["10.0.0", addressForm],
    ["", addressForm],
    ["a.b.c.d", addressForm],
  ])("%s", (text, wrong) =>
    expect(validateIp(text, at).map(({ message }) => message)).toEqual(
      wrong === undefined ? [] : [`Invalid value: ${JSON.stringify(text)}: ${wrong}`],
    ),
  );

  test("as a name is written in one way only", () => {
    expect(canonicalIp("2001:db8::1")).toEqual([]);
    expect(canonicalIp("2001:DB8::1")).toEqual(['must be in canonical form ("2001:db8::1")']);
  });
});

describe("a network", () => {
  test.each<[text: string, wrong: string | undefined]>([
    ["10.0.0.0/8", undefined],
    ["fd00::/8", undefined],
    ["10.0.0.0/08", "must not have leading 0s in IP or prefix length"],
    ["010.0.0.0/8", "must not have leading 0s in IP or prefix length"],
    ["::ffff:10.0.0.0/104", "must not have an IPv4-mapped IPv6 address"],
    ["10.0.0.1/8", "must not have bits set beyond the prefix length"],
    ["10.0.0.0", "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"],
    ["10.0.0.0/33", "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"],
  ])("%s", (text, wrong) =>
    expect(validateCidr(text, at).map(({ message }) => message)).toEqual(
      wrong === undefined ? [] : [`Invalid value: ${JSON.stringify(text)}: ${wrong}`],
    ),
  );
});
