import { expect, test } from "vitest";
import { parseCidr } from "../../base/ip.ts";
import { freeRange } from "./decide.ts";

const range = (cluster: string, taken: string[] = []) =>
  freeRange(parseCidr(cluster)!, new Set(taken), { 4: 24, 6: 64 });

test.each<[what: string, cluster: string, taken: string[], range: string | undefined]>([
  ["the first node gets the first range", "10.42.0.0/16", [], "10.42.0.0/24"],
  ["the lowest free one is taken", "10.42.0.0/16", ["10.42.0.0/24", "10.42.2.0/24"], "10.42.1.0/24"],
  ["a network no larger than a range holds one node", "10.42.0.0/24", [], "10.42.0.0/24"],
  ["and no second", "10.42.0.0/24", ["10.42.0.0/24"], undefined],
  ["a smaller network is given whole", "10.42.0.0/26", [], "10.42.0.0/26"],
  ["IPv6 nodes get a /64", "fd00:42::/56", ["fd00:42::/64"], "fd00:42:0:1::/64"],
])("%s", (_, cluster, taken, expected) => {
  expect(range(cluster, taken)).toBe(expected);
});
