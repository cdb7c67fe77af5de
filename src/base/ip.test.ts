import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cidrAddress, cidrContains, cidrText, ipText, parseCidr, parseIp } from "./ip.ts";

describe("IP addresses", () => {
  test.each([
    ["10.42.0.1", "10.42.0.1"],
    ["::", "::"],
    ["::1", "::1"],
    ["fd00::", "fd00::"],
    ["2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["::ffff:10.0.0.1", "::ffff:a00:1"],
  ])("%s is written as %s", (text, canonical) => {
    expect(ipText(parseIp(text)!)).toBe(canonical);
  });

  test.each(["", "10.42.0", "10.42.0.256", "fe80::1%eth0", "1::2::3", "host"])("%j is no address", (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  test("writing and reading are inverse", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const ip = parseIp(text)!;
        expect(parseIp(ipText(ip))).toEqual(ip);
      }),
    );
  });
});

describe("networks", () => {
  test.each([
    ["10.42.7.9/16", "10.42.0.0/16"],
    ["10.43.0.0/32", "10.43.0.0/32"],
    ["fd00:1234::5/64", "fd00:1234::/64"],
    ["0.0.0.0/0", "0.0.0.0/0"],
  ])("%s is the network %s", (text, canonical) => {
    expect(cidrText(parseCidr(text)!)).toBe(canonical);
  });

  test.each(["10.42.0.0", "10.42.0.0/33", "10.42.0.0/-1", "10.42.0.0/", "/16", "fd00::/129"])(
    "%j is no network",
    (text) => {
      expect(parseCidr(text)).toBeUndefined();
    },
  );

  test("knows what lies inside", () => {
    const cidr = parseCidr("10.42.0.0/24")!;
    expect(["10.42.0.0", "10.42.0.255", "10.42.1.0", "::1"].map((ip) => cidrContains(cidr, parseIp(ip)!))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(cidrAddress(cidr, 10)).toBe("10.42.0.10");
  });
});
