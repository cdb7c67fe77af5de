import { describe, expect, test } from "vitest";
import type { Node, Service } from "../../api/schema/types.ts";
import { skiffProvider } from "./skiff.ts";

const aNode = (
  name: string,
  addresses: [string, string][],
  { ready = "True", labels = {}, version = "v1.36.2+skiff-1.0.0" } = {},
) =>
  ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels },
    spec: {},
    status: {
      addresses: addresses.map(([type, address]) => ({ type, address })),
      conditions: [{ type: "Ready", status: ready }],
      nodeInfo: { kubeletVersion: version },
    },
  }) as Node;
const aService = (spec: Partial<Service["spec"]> = {}) =>
  ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "s" },
    spec: { type: "LoadBalancer", ipFamilies: ["IPv4"], ...spec },
  }) as Service;
const ips = (service: Service, nodes: Node[]) => skiffProvider.ingressOf(service, nodes)?.map(({ ip }) => ip);

describe("the built-in load balancer", () => {
  test.each<[what: string, service: Service, nodes: Node[], ips: string[]]>([
    [
      "answers at every ready node",
      aService(),
      [aNode("b", [["InternalIP", "192.0.2.2"]]), aNode("a", [["InternalIP", "192.0.2.1"]])],
      ["192.0.2.1", "192.0.2.2"],
    ],
    [
      "prefers external addresses",
      aService(),
      [
        aNode("a", [
          ["InternalIP", "192.0.2.1"],
          ["ExternalIP", "198.51.100.1"],
        ]),
      ],
      ["198.51.100.1"],
    ],
    [
      "leaves out nodes that are not ready",
      aService(),
      [aNode("a", [["InternalIP", "192.0.2.1"]], { ready: "Unknown" })],
      [],
    ],
    [
      "leaves out nodes that another program runs",
      aService(),
      [aNode("a", [["InternalIP", "192.0.2.1"]], { version: "v1.36.2" }), aNode("b", [["InternalIP", "192.0.2.2"]])],
      ["192.0.2.2"],
    ],
    [
      "leaves out nodes that are labelled so",
      aService(),
      [
        aNode("a", [["InternalIP", "192.0.2.1"]], {
          labels: { "node.kubernetes.io/exclude-from-external-load-balancers": "" },
        }),
      ],
      [],
    ],
    [
      "answers in the Service's families only",
      aService({ ipFamilies: ["IPv6"] }),
      [
        aNode("a", [
          ["InternalIP", "192.0.2.1"],
          ["InternalIP", "2001:db8::1"],
        ]),
      ],
      ["2001:db8::1"],
    ],
  ])("%s", (_, service, nodes, expected) => {
    expect(ips(service, nodes)).toEqual(expected);
  });

  test("has nothing to say where no node is skiff's", () => {
    const stranger = aNode("a", [["InternalIP", "192.0.2.1"]], { version: "v1.36.2" });
    expect([ips(aService(), [stranger]), ips(aService(), [])]).toEqual([undefined, undefined]);
    expect(skiffProvider.instanceOf(stranger)).toBeUndefined();
  });

  test("knows what it has said before", () => {
    const nodes = [aNode("a", [["InternalIP", "192.0.2.1"]])];
    const reachedAt = (ip: string): Service => ({ ...aService(), status: { loadBalancer: { ingress: [{ ip }] } } });
    expect(["192.0.2.1", "198.51.100.9"].map((ip) => skiffProvider.balances(reachedAt(ip), nodes))).toEqual([
      true,
      false,
    ]);
  });

  test("calls machines by the names of their nodes", () => {
    expect(skiffProvider.instanceOf(aNode("a", []))).toEqual({ id: "skiff://a", type: "skiff" });
  });
});
