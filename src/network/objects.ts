import type { KubeObject } from "../api/object.ts";

/** What the network reads of the objects it watches. Optional: whatever an object may lack on the wire. */
export interface Service extends KubeObject {
  spec?: {
    type?: string;
    clusterIP?: string;
    clusterIPs?: readonly string[];
    externalIPs?: readonly string[];
    externalName?: string;
    externalTrafficPolicy?: string;
    healthCheckNodePort?: number;
    internalTrafficPolicy?: string;
    loadBalancerClass?: string;
    loadBalancerSourceRanges?: readonly string[];
    ports?: readonly ServicePort[];
    publishNotReadyAddresses?: boolean;
    selector?: Readonly<Record<string, string>>;
    sessionAffinity?: string;
    sessionAffinityConfig?: { clientIP?: { timeoutSeconds?: number } };
  };
  status?: { loadBalancer?: { ingress?: readonly LoadBalancerIngress[] } };
}

export interface ServicePort {
  name?: string;
  port: number;
  protocol?: string;
  nodePort?: number;
}

export interface LoadBalancerIngress {
  ip?: string;
  hostname?: string;
  ipMode?: string;
}

export interface EndpointSlice extends KubeObject {
  addressType?: string;
  endpoints?: readonly Endpoint[] | null;
  ports?: readonly EndpointPort[] | null;
}

export interface Endpoint {
  addresses: readonly string[];
  conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean };
  hostname?: string;
  nodeName?: string;
  targetRef?: { kind?: string; name?: string; namespace?: string; uid?: string };
}

export interface EndpointPort {
  name?: string;
  port?: number;
  protocol?: string;
}

export interface Node extends KubeObject {
  spec?: { podCIDR?: string; podCIDRs?: readonly string[]; unschedulable?: boolean };
  status?: {
    addresses?: readonly { type: string; address: string }[];
    conditions?: readonly { type: string; status: string }[];
  };
}

export interface Pod extends KubeObject {
  spec?: {
    nodeName?: string;
    hostNetwork?: boolean;
    initContainers?: readonly PodContainer[];
    containers?: readonly PodContainer[];
  };
  status?: { phase?: string; podIP?: string; podIPs?: readonly { ip?: string }[] };
}

export interface PodContainer {
  ports?: readonly { containerPort: number; hostPort?: number; hostIP?: string; protocol?: string }[];
}

/** The label by which an EndpointSlice names its Service. */
export const serviceNameLabel = "kubernetes.io/service-name";

/** The addresses a Service has inside the cluster; none for headless and ExternalName ones. */
export function clusterIpsOf({ spec }: Service): readonly string[] {
  const ips = spec?.clusterIPs?.length ? spec.clusterIPs : spec?.clusterIP ? [spec.clusterIP] : [];
  return ips.filter((ip) => ip !== "None" && ip !== "");
}

/** Whether a Service has a cluster IP of "None": its name leads to its endpoints themselves. */
export function isHeadless({ spec }: Service): boolean {
  return spec?.clusterIP === "None";
}
