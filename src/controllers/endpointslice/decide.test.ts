import { describe, expect, test } from "vitest";
import type { EndpointSlice, Pod, Service } from "../../api/schema/types.ts";
import { subsetsFor } from "../endpoints/decide.ts";
import { type Decision, decide } from "./decide.ts";

const service = (spec: Partial<Service["spec"]> = {}, labels = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default", uid: "s", creationTimestamp: "2026-01-01T00:00:00Z", labels },
  spec: {
    clusterIP: "10.43.0.9",
    selector: { app: "web" },
    ports: [{ port: 80, targetPort: "http", protocol: "TCP" }],
    ipFamilies: ["IPv4"],
    ...spec,
  },
});
const aPod = (
  name: string,
  { ready = true, leaving = false, ip = `10.42.0.${name.length}`, port = 8080, hostname = "" } = {},
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", uid: name, ...(leaving && { deletionTimestamp: "2026-01-01T00:00:01Z" }) },
  spec: {
    nodeName: "n1",
    containers: [{ name: "app", ports: [{ name: "http", containerPort: port, protocol: "TCP" }] }],
    ...(hostname && { hostname, subdomain: "web" }),
  },
  status: {
    phase: "Running",
    podIP: ip,
    podIPs: [{ ip }],
    conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: "2026-01-01T00:00:00Z" }],
  },
});
let serial = 0;
const made = (decision: Decision): EndpointSlice[] =>
  decision.create.map(({ labels, annotations, ...content }) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `web-${serial++}`, namespace: "default", labels, annotations },
    ...content,
  }));
const given = (pods: Pod[], slices: EndpointSlice[] = [], object = service()) =>
  decide({ service: object, pods, slices, zoneOf: () => undefined });
const addresses = (slices: readonly { endpoints?: { addresses: string[] }[] }[]) =>
  slices.map(({ endpoints = [] }) => endpoints.map((endpoint) => endpoint.addresses[0]));

describe("endpointslice decide()", () => {
  test("makes an empty slice for a Service without pods", () => {
    expect(given([]).create).toEqual([
      {
        addressType: "IPv4",
        labels: {
          "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
          "kubernetes.io/service-name": "web",
        },
        annotations: { "endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:00Z" },
      },
    ]);
  });

  test("says of each pod whether it is ready, serving and terminating", () => {
    const [slice] = given([aPod("a"), aPod("bb", { ready: false }), aPod("ccc", { leaving: true })]).create;
    expect(slice?.endpoints?.map(({ conditions }) => conditions)).toEqual([
      { ready: true, serving: true, terminating: false },
      { ready: false, serving: false, terminating: false },
      { ready: false, serving: true, terminating: true },
    ]);
    expect(slice?.ports).toEqual([{ name: "", protocol: "TCP", port: 8080 }]);
  });

  test("does nothing when all is as it should be", () => {
    const slices = made(given([aPod("a")]));
    expect(given([aPod("a")], slices)).toEqual({ create: [], update: [], remove: [] });
  });

  test("fills the empty slice when the first pod comes, and keeps its name when ports change", () => {
    const slices = made(given([]));
    const { create, update } = given([aPod("a")], slices);
    expect([create.length, update.map(({ slice }) => slice.metadata.name)]).toEqual([0, [slices[0]?.metadata.name]]);
    const full = made(given([aPod("a")]));
    const moved = given([aPod("a", { port: 9090 })], full);
    expect([moved.create.length, moved.update.length, moved.remove.length]).toEqual([0, 1, 0]);
  });

  test("gives pods with different ports slices of their own", () => {
    expect(addresses(given([aPod("a"), aPod("bb", { port: 9090 })]).create)).toEqual([["10.42.0.1"], ["10.42.0.2"]]);
  });

  test("begins a second slice behind a hundred endpoints, and leaves the first as it is", () => {
    const many = Array.from({ length: 100 }, (_, at) => aPod(`p${at}`, { ip: `10.42.1.${at}` }));
    const slices = made(given(many));
    const { create, update } = given([...many, aPod("last", { ip: "10.42.2.1" })], slices);
    expect([addresses(create), update.length]).toEqual([[["10.42.2.1"]], 0]);
  });

  test("removes slices of a family that the Service lost", () => {
    const slices = made(given([], [], service({ ipFamilies: ["IPv4", "IPv6"] })));
    expect(given([], slices).remove.map(({ addressType }) => addressType)).toEqual(["IPv6"]);
  });

  test("marks headless Services and passes labels and host names on", () => {
    const object = service({ clusterIP: "None" }, { team: "a" });
    const [slice] = given([aPod("a", { hostname: "db-0" })], [], object).create;
    expect(slice?.labels).toMatchObject({ "service.kubernetes.io/headless": "", team: "a" });
    expect(slice?.endpoints?.[0]?.hostname).toBe("db-0");
  });
});

describe("endpoints subsetsFor()", () => {
  test("parts ready from unready addresses and drops leaving pods", () => {
    const pods = [aPod("a"), aPod("bb", { ready: false }), aPod("ccc", { leaving: true })];
    expect(subsetsFor(service(), pods)).toMatchObject([
      {
        addresses: [{ ip: "10.42.0.1", nodeName: "n1" }],
        notReadyAddresses: [{ ip: "10.42.0.2" }],
        ports: [{ port: 8080, protocol: "TCP" }],
      },
    ]);
  });
});
