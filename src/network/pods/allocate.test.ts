import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCidr } from "../../base/ip.ts";
import { AddressesExhausted, nextAddress, nodeAddressIn } from "./allocate.ts";
import { aliasOf, attachmentFrom, linkNameOf } from "./names.ts";

const cidr = parseCidr("10.42.3.0/29")!;

describe("addresses of pods", () => {
  test("go round: one that was freed rests as long as possible", () => {
    const given: string[] = [];
    let after = 1n;
    for (let i = 0; i < 6; i++) {
      const { ip, offset } = nextAddress(cidr, new Set(["10.42.3.4"]), after);
      given.push(ip);
      after = offset;
    }
    expect(given).toEqual(["10.42.3.2", "10.42.3.3", "10.42.3.5", "10.42.3.6", "10.42.3.2", "10.42.3.3"]);
  });

  test("are all given before one is missing", () => {
    fc.assert(
      fc.property(fc.nat(6), (start) => {
        const taken = new Set<string>();
        for (let i = 0; i < 5; i++) taken.add(nextAddress(cidr, taken, BigInt(start)).ip);
        expect(taken.size).toBe(5);
        expect([...taken]).not.toContain(nodeAddressIn(cidr));
        expect(() => nextAddress(cidr, taken, BigInt(start))).toThrow(AddressesExhausted);
      }),
    );
  });

  test("are found in IPv6's wide ranges", () => {
    expect(nextAddress(parseCidr("fd42::/64")!, new Set(), 1n).ip).toBe("fd42::2");
  });
});

describe("a pod's link", () => {
  test("has a name that Linux takes, the same each time", () => {
    fc.assert(
      fc.property(fc.uuid(), (uid) => {
        expect(linkNameOf(uid)).toMatch(/^skf[0-9a-f]{12}$/);
        expect(linkNameOf(uid)).toBe(linkNameOf(uid));
      }),
    );
  });

  test("says by its alias whose it is and what its addresses are, however long the pod's name", () => {
    const attachment = { podUid: "0b1c", ips: ["10.42.3.2", "fd42::2"] };
    const alias = aliasOf(attachment, `default/${"x".repeat(253)}`);
    expect(alias.length).toBeLessThan(256);
    expect(attachmentFrom(alias)).toEqual(attachment);
    expect(attachmentFrom("somebody else's")).toBeUndefined();
  });
});
