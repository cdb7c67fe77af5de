import { describe, expect, test } from "vitest";
import type { IPAddress, Service, ServiceCIDR } from "../../api/schema/types.ts";
import { addressFault, judgeRecord, type ObservedAddress, portFaults, recordOf } from "./decide.ts";

const made = "2026-01-01T00:00:00Z";
const madeMs = Date.parse(made);

function aService(name: string, clusterIP: string, spec: Partial<Service["spec"]> = {}): Service {
  const all = { type: "ClusterIP", clusterIP, clusterIPs: [clusterIP], ...spec };
  return { apiVersion: "v1", kind: "Service", metadata: { namespace: "shop", name }, spec: all };
}
function aRecord(of: Service, address: string, change: Partial<IPAddress["spec"]["parentRef"]> = {}): IPAddress {
  const { metadata, spec } = recordOf(address, of);
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "IPAddress",
    metadata: { name: address, creationTimestamp: made, ...metadata },
    spec: { parentRef: { ...spec.parentRef, ...change } },
  };
}
const cidr: ServiceCIDR = {
  apiVersion: "networking.k8s.io/v1",
  kind: "ServiceCIDR",
  metadata: { name: "kubernetes" },
  spec: { cidrs: ["10.43.0.0/16"] },
};
const web = aService("web", "10.43.0.7");
const other = aService("other", "10.43.0.8");
const twin = aService("twin", "10.43.0.7");
const record = aRecord(web, "10.43.0.7");
const right: ObservedAddress = { service: web, address: "10.43.0.7", cidrs: [cidr], record, holder: web };
const wrongReference = "the ClusterIP [IPv4]: 10.43.0.7 for Service shop/web has a wrong reference; repairing";

describe("the address of a Service", () => {
  test.each<[what: string, observed: Partial<ObservedAddress>, says: string | undefined, repair: string | undefined]>([
    ["is fine with an IPAddress of its own", {}, undefined, undefined],
    [
      "without one gets it",
      { record: undefined, holder: undefined },
      "ClusterIPNotAllocated: Cluster IP [IPv4]: 10.43.0.7 is not allocated; repairing",
      "create",
    ],
    [
      "that is of no range is told of",
      { address: "10.99.0.7" },
      "ClusterIPOutOfRange: Cluster IP [IPv4]: 10.99.0.7 is not within any configured Service CIDR; please recreate service",
      "nothing",
    ],
    [
      "whose IPAddress is somebody else's gets it back",
      { record: aRecord(other, "10.43.0.7"), holder: other },
      `ClusterIPNotAllocated: ${wrongReference}`,
      "recreate",
    ],
    [
      "whose IPAddress names no Service gets it back",
      { record: aRecord(web, "10.43.0.7", { group: "example.com", resource: "gateways" }), holder: undefined },
      `ClusterIPNotAllocated: ${wrongReference}`,
      "recreate",
    ],
    [
      "that two Services have stays with the one that it names",
      { record: aRecord(twin, "10.43.0.7"), holder: twin },
      "ClusterIPAlreadyAllocated: Cluster IP [IPv4]:10.43.0.7 was assigned to multiple services; please recreate service",
      "nothing",
    ],
    [
      "whose IPAddress lost its labels gets a new one, in silence",
      { record: { ...record, metadata: { ...record.metadata, labels: {} } } },
      undefined,
      "recreate",
    ],
  ])("%s", (_, observed, says, repair) => {
    const fault = addressFault({ ...right, ...observed });
    expect([fault?.news && `${fault.news.reason}: ${fault.news.message}`, fault?.repair]).toEqual([says, repair]);
  });
});

describe("an IPAddress", () => {
  const old = madeMs + 61_000;
  test.each<[what: string, of: IPAddress, parent: Service | undefined, nowMs: number, verdict: unknown]>([
    ["of a Service stays", record, web, old, "fine"],
    ["that somebody else made stays", { ...record, metadata: { name: "10.43.0.7" } }, undefined, old, "fine"],
    ["may be older than its Service", record, undefined, madeMs + 20_000, { againMs: 40_000 }],
    [
      "without a Service is given back",
      record,
      undefined,
      old,
      {
        news: {
          reason: "IPAddressNotAllocated",
          message: "IPAddress: 10.43.0.7 for Service shop/web appears to have leaked: cleaning up",
        },
      },
    ],
    [
      "of a Service that has another address is given back",
      record,
      aService("web", "10.43.0.9"),
      old,
      {
        news: {
          reason: "IPAddressWrongReference",
          message: "IPAddress: 10.43.0.7 for Service shop/web has a wrong reference; cleaning up",
        },
      },
    ],
    [
      "that was changed to name something else is given back",
      aRecord(web, "10.43.0.7", { resource: "pods" }),
      undefined,
      madeMs,
      {
        news: {
          reason: "IPAddressNotAllocated",
          message:
            "IPAddress 10.43.0.7 appears to have been modified, not referencing a Service &ParentReference{Group:,Resource:pods,Namespace:shop,Name:web,}: cleaning up",
        },
      },
    ],
  ])("%s", (_, of, parent, nowMs, verdict) => {
    expect(judgeRecord(of, parent, nowMs)).toEqual(verdict);
  });
});

describe("node ports", () => {
  const range = { from: 30_000, to: 32_767 };
  const withPorts = (...nodePorts: number[]) =>
    aService("web", "10.43.0.7", { ports: nodePorts.map((nodePort) => ({ port: 80, nodePort })) });

  test.each<[what: string, of: Service, others: Service[], says: string[]]>([
    ["are fine", withPorts(30_080), [withPorts(30_081)], []],
    ["may serve several protocols", withPorts(30_080, 30_080), [], []],
    ["of a Service that came before", withPorts(30_080), [withPorts(30_080)], ["PortAlreadyAllocated"]],
    ["out of the range", withPorts(80), [], ["PortOutOfRange"]],
  ])("%s", (_, of, others, says) => {
    expect(portFaults(of, others, range).map(({ reason }) => reason)).toEqual(says);
  });
});
