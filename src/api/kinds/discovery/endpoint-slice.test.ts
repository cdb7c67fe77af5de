import { expect, test } from "vitest";
import { wrongWithNew } from "../testing/judge.ts";
import { endpointSlice } from "./endpoint-slice.ts";

test.each<[what: string, slice: object, wrong: string[]]>([
  ["a good one", { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"] }] }, []],
  [
    "an address of the node itself",
    { addressType: "IPv4", endpoints: [{ addresses: ["127.0.0.1"] }] },
    ['endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ],
  [
    "an address of the other family",
    { addressType: "IPv6", endpoints: [{ addresses: ["10.0.0.1"] }] },
    ['endpoints[0].addresses[0]: Invalid value: "10.0.0.1": must be an IPv6 address'],
  ],
  [
    "a name of one label",
    { addressType: "FQDN", endpoints: [{ addresses: ["host"] }] },
    [
      'endpoints[0].addresses[0]: Invalid value: "host": should be a domain with at least two segments separated by dots',
    ],
  ],
  [
    "a zone hinted at twice",
    {
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.0.0.1"], hints: { forZones: [{ name: "a" }, { name: "a" }] } }],
    },
    ['endpoints[0].hints.forZones[1].name: Duplicate value: "a"'],
  ],
])("an EndpointSlice: %s", (_, slice, wrong) => expect(wrongWithNew(endpointSlice, slice)).toEqual(wrong));
