import { describe, expect, test } from "vitest";
import type { ServiceSpec } from "../../schema/types.ts";
import { dropWhatTheTypeLacks, keepAllocated, normalizeClusterIps } from "./service-changes.ts";

const old: ServiceSpec = {
  type: "NodePort",
  clusterIP: "10.43.0.7",
  clusterIPs: ["10.43.0.7"],
  ipFamilies: ["IPv4"],
  ipFamilyPolicy: "SingleStack",
  externalTrafficPolicy: "Cluster",
  ports: [{ port: 80, nodePort: 30080, protocol: "TCP" }],
};

function updated(spec: ServiceSpec): ServiceSpec {
  const next = structuredClone(spec);
  keepAllocated(next, old);
  normalizeClusterIps(next, old);
  dropWhatTheTypeLacks(next, old);
  return next;
}

describe("an update of a Service", () => {
  test.each<[string, given: ServiceSpec, then: ServiceSpec]>([
    [
      "keeps its address and its node port when they are left out",
      { type: "NodePort", ports: [{ port: 81 }] },
      { type: "NodePort", clusterIP: "10.43.0.7", clusterIPs: ["10.43.0.7"], ports: [{ port: 81, nodePort: 30080 }] },
    ],
    [
      "loses the node port with the type",
      { ...old, type: "ClusterIP" },
      {
        type: "ClusterIP",
        clusterIP: "10.43.0.7",
        clusterIPs: ["10.43.0.7"],
        ipFamilies: ["IPv4"],
        ipFamilyPolicy: "SingleStack",
        ports: [{ port: 80, protocol: "TCP" }],
      },
    ],
    [
      "loses its address when it becomes a name",
      { ...old, type: "ExternalName", externalName: "a.b", ports: [] },
      { type: "ExternalName", externalName: "a.b", ports: [] },
    ],
    [
      "gets the list from a changed address",
      { ...old, clusterIP: "10.43.0.8" },
      { ...old, clusterIP: "10.43.0.8", clusterIPs: ["10.43.0.8"] },
    ],
  ])("%s", (_, given, then) => expect(updated(given)).toEqual(then));

  test("a new Service with one address has a list of it", () => {
    const spec: ServiceSpec = { clusterIP: "None" };
    normalizeClusterIps(spec, undefined);
    expect(spec.clusterIPs).toEqual(["None"]);
  });
});
