import type { Endpoint, EndpointSlice, Service } from "../../api/schema/types.ts";

/** Objects for tests that read aloud: `aService({ clusterIP: "10.43.0.5" })`. They are called default/web unless said. */
export function aService(
  spec: NonNullable<Service["spec"]> = {},
  key: { namespace?: string; name?: string } = {},
): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "default", name: "web", creationTimestamp: "2026-01-01T00:00:00Z", ...key },
    spec: { type: "ClusterIP", clusterIP: "10.43.0.5", ports: [{ name: "http", port: 80, protocol: "TCP" }], ...spec },
  };
}

/** A slice of default/web with one port "http" at 8080. */
export function aSlice(endpoints: readonly Endpoint[], more: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace: "default", name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: [...endpoints],
    ...more,
  };
}

type State = "ready" | "notReady" | "draining" | "stopped";

/** An endpoint; on node n1 and ready unless said. */
export function anEndpoint(
  ip: string,
  { state = "ready", node = "n1", hostname }: { state?: State; node?: string; hostname?: string } = {},
): Endpoint {
  const conditions = {
    ready: state === "ready",
    serving: state === "ready" || state === "draining",
    terminating: state === "draining" || state === "stopped",
  };
  return { addresses: [ip], conditions, nodeName: node, ...(hostname && { hostname }) };
}
