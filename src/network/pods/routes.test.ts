import { describe, expect, test } from "vitest";
import type { Node } from "../../api/schema/types.ts";
import { linkAddressOf, peerRanges, routeCommands } from "./routes.ts";

function aNode(name: string, { cidr, ip }: { cidr?: string; ip?: string }): Node {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    spec: cidr ? { podCIDRs: [cidr] } : {},
    status: { addresses: ip ? [{ type: "InternalIP", address: ip }] : [] },
  };
}

const nodes = [
  aNode("n1", { cidr: "10.42.1.0/24", ip: "192.0.2.1" }),
  aNode("n2", { cidr: "10.42.2.0/24", ip: "192.0.2.2" }),
  aNode("n3", { ip: "192.0.2.3" }),
  aNode("n4", { cidr: "10.42.4.0/24" }),
];
const peers = peerRanges(nodes, "n1");
const linkAddress = linkAddressOf("10.42.2.0/24");
const nodeIps = ["10.42.1.1"];

describe("ways to other nodes' pods", () => {
  test("lead to every other node that has a range and an address", () => {
    expect(peers).toEqual([{ cidr: "10.42.2.0/24", nodeIp: "192.0.2.2", linkAddress }]);
  });

  test("are plain routes where nodes share a network", () => {
    expect(routeCommands("host-gw", { from: [], to: peers, nodeIps }).ip).toEqual([
      "route replace 10.42.2.0/24 via 192.0.2.2 proto 143 src 10.42.1.1",
    ]);
  });

  test("go through the overlay with all that it must know of the other end", () => {
    expect(linkAddress).toMatch(/^02(:[0-9a-f]{2}){5}$/);
    expect(routeCommands("vxlan", { from: [], to: peers, nodeIps })).toEqual({
      bridge: [`fdb replace ${linkAddress} dev skiffvx dst 192.0.2.2`],
      ip: [
        `neigh replace 10.42.2.0 lladdr ${linkAddress} dev skiffvx nud permanent`,
        "route replace 10.42.2.0/24 via 10.42.2.0 dev skiffvx onlink proto 143 src 10.42.1.1",
      ],
    });
  });

  test("of a node that left are removed, of one that moved replaced", () => {
    expect(routeCommands("host-gw", { from: peers, to: [], nodeIps }).ip).toEqual(["route del 10.42.2.0/24 proto 143"]);
    const moved = [{ cidr: "10.42.2.0/24", nodeIp: "192.0.2.9", linkAddress }];
    expect(routeCommands("host-gw", { from: peers, to: moved, nodeIps }).ip).toEqual([
      "route replace 10.42.2.0/24 via 192.0.2.9 proto 143 src 10.42.1.1",
    ]);
    expect(routeCommands("host-gw", { from: peers, to: peers, nodeIps }).ip).toEqual([]);
  });
});
