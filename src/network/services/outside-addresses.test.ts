import { describe, expect, test } from "vitest";
import type { Node } from "../../api/schema/types.ts";
import { changesOutside, insideOf } from "./outside-addresses.ts";

const aNode = (...addresses: [type: string, address: string][]): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "n" },
  spec: {},
  status: { addresses: addresses.map(([type, address]) => ({ type, address })) },
});
const inside = aNode(["InternalIP", "192.0.2.1"], ["Hostname", "n"]);
const mapped = aNode(["InternalIP", "192.0.2.2"], ["InternalIP", "2001:db8::2"], ["ExternalIP", "198.51.100.2"]);

test("an external address belongs to the internal ones of its node", () => {
  expect(insideOf([inside, mapped], "198.51.100.2")).toEqual(["192.0.2.2", "2001:db8::2"]);
  expect(insideOf([inside, mapped], "192.0.2.1")).toEqual([]);
});

describe("a node's change", () => {
  const moved = aNode(["InternalIP", "192.0.2.9"], ["ExternalIP", "198.51.100.2"]);
  test.each<[what: string, before: Node | undefined, after: Node | undefined, counts: boolean]>([
    ["that has no external address does not count", inside, undefined, false],
    ["that gets one counts", inside, mapped, true],
    ["that keeps its addresses does not count", mapped, mapped, false],
    ["to another internal address counts", mapped, moved, true],
    ["to none counts", mapped, undefined, true],
  ])("%s", (_, before, after, counts) => expect(changesOutside(before, after)).toBe(counts));
});
