import { isDeepStrictEqual } from "node:util";
import type { ServiceSpec } from "../../schema/types.ts";

/*
 * What a write of a Service leaves out and the server knows: addresses and ports that were given to it stay with it, and
 * go when its type has no more use for them (Kubernetes docs, "Service"). New ones are given by the API server's registry.
 */

export const isHeadless = ({ clusterIPs }: ServiceSpec): boolean =>
  clusterIPs?.length === 1 && clusterIPs[0] === "None";
const needsClusterIp = ({ type }: ServiceSpec): boolean => type !== "ExternalName";
const needsNodePort = ({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean =>
  type === "NodePort" || (type === "LoadBalancer" && allocateLoadBalancerNodePorts !== false);
/** The balancer asks each node whether it has a pod of the Service: on a port of its own. */
export const needsHealthCheckPort = ({ type, externalTrafficPolicy }: ServiceSpec): boolean =>
  type === "LoadBalancer" && externalTrafficPolicy === "Local";
export const isExternallyAccessible = ({ type, externalIPs }: ServiceSpec): boolean =>
  type === "NodePort" || type === "LoadBalancer" || (type === "ClusterIP" && (externalIPs ?? []).length > 0);

/** `clusterIP` and `clusterIPs` say the same; whoever knows only one of them writes only that one. */
export function normalizeClusterIps(spec: ServiceSpec, old: ServiceSpec | undefined): void {
  const single = spec.clusterIP ?? "";
  const many = spec.clusterIPs ?? [];
  const changedAlone = single !== (old?.clusterIP ?? "") && isDeepStrictEqual(many, old?.clusterIPs ?? []);
  if (single && (many.length === 0 || (old && changedAlone))) spec.clusterIPs = [single];
  else if (!single && old && changedAlone) delete spec.clusterIPs;
}

/** Puts in what the client left out and the Service had. */
export function keepAllocated(spec: ServiceSpec, old: ServiceSpec): void {
  if (needsClusterIp(old) && needsClusterIp(spec)) {
    if (old.clusterIP) spec.clusterIP ||= old.clusterIP;
    if (!spec.clusterIPs?.length && spec.clusterIP === old.clusterIP && old.clusterIPs)
      spec.clusterIPs = [...old.clusterIPs];
  }
  if (needsNodePort(old) && needsNodePort(spec)) keepNodePorts(spec, old);
  if (needsHealthCheckPort(old) && needsHealthCheckPort(spec) && old.healthCheckNodePort)
    spec.healthCheckNodePort ||= old.healthCheckNodePort;
}

function keepNodePorts(spec: ServiceSpec, old: ServiceSpec): void {
  const had = new Map((old.ports ?? []).map(({ name = "", nodePort = 0 }) => [name, nodePort]));
  const asked = new Set((spec.ports ?? []).map(({ nodePort = 0 }) => nodePort));
  for (const port of spec.ports ?? []) {
    const before = had.get(port.name ?? "") ?? 0;
    if (!port.nodePort && before && !asked.has(before)) port.nodePort = before;
  }
}

/** Takes away what the new type has no use for, unless the client changed it and so means it. */
export function dropWhatTheTypeLacks(spec: ServiceSpec, old: ServiceSpec): void {
  const dropUnchanged = (...fields: readonly (keyof ServiceSpec)[]) => {
    for (const field of fields) if (isDeepStrictEqual(spec[field], old[field])) delete spec[field];
  };
  if (needsClusterIp(old) && !needsClusterIp(spec)) dropClusterIps(spec, old);
  if (needsNodePort(old) && !needsNodePort(spec) && isDeepStrictEqual(nodePortsOf(spec), nodePortsOf(old)))
    for (const port of spec.ports ?? []) delete port.nodePort;
  if (needsHealthCheckPort(old) && !needsHealthCheckPort(spec)) dropUnchanged("healthCheckNodePort");
  if (old.type === "LoadBalancer" && spec.type !== "LoadBalancer")
    dropUnchanged("allocateLoadBalancerNodePorts", "loadBalancerClass");
  if (old.type === "ExternalName" && spec.type !== "ExternalName") dropUnchanged("externalName");
  if (isExternallyAccessible(old) && !isExternallyAccessible(spec)) dropUnchanged("externalTrafficPolicy");
}

function dropClusterIps(spec: ServiceSpec, old: ServiceSpec): void {
  if (isDeepStrictEqual([spec.clusterIP ?? "", spec.clusterIPs ?? []], [old.clusterIP ?? "", old.clusterIPs ?? []])) {
    delete spec.clusterIP;
    delete spec.clusterIPs;
  }
  if (isDeepStrictEqual(spec.ipFamilies, old.ipFamilies)) delete spec.ipFamilies;
  if (spec.ipFamilyPolicy === old.ipFamilyPolicy) delete spec.ipFamilyPolicy;
}

function nodePortsOf({ ports = [] }: ServiceSpec): number[] {
  return ports
    .map(({ nodePort = 0 }) => nodePort)
    .filter(Boolean)
    .sort();
}
