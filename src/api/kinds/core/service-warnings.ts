import type { Service } from "../../schema/types.ts";
import { addressWarnings, networkWarnings } from "../../validate/addresses.ts";
import { isHeadless } from "./service-changes.ts";

const topologyHints = "service.kubernetes.io/topology-aware-hints";

export function serviceWarnings({ metadata, spec }: Service): string[] {
  const warnings: string[] = [];
  if (metadata.annotations?.[topologyHints] !== undefined)
    warnings.push(`annotation ${topologyHints} is deprecated, please use service.kubernetes.io/topology-mode instead`);
  const headless = spec.type === "ClusterIP" && isHeadless(spec);
  if (spec.type !== "ExternalName" && spec.clusterIP && spec.clusterIP !== "None")
    for (const [i, ip] of (spec.clusterIPs ?? []).entries())
      warnings.push(...addressWarnings(ip, `spec.clusterIPs[${i}]`));
  if (headless) {
    if (spec.loadBalancerIP) warnings.push("spec.loadBalancerIP is ignored for headless services");
    if ((spec.externalIPs ?? []).length > 0) warnings.push("spec.externalIPs is ignored for headless services");
    if (spec.sessionAffinity !== "None") warnings.push("spec.SessionAffinity is ignored for headless services");
  }
  for (const [i, ip] of (spec.externalIPs ?? []).entries())
    warnings.push(...addressWarnings(ip, `spec.externalIPs[${i}]`));
  if ((spec.externalIPs ?? []).length > 0 && !headless && spec.type !== "ExternalName")
    warnings.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  if (spec.loadBalancerIP) warnings.push(...addressWarnings(spec.loadBalancerIP, "spec.loadBalancerIP"));
  for (const [i, range] of (spec.loadBalancerSourceRanges ?? []).entries())
    warnings.push(...networkWarnings(range, `spec.loadBalancerSourceRanges[${i}]`));
  if (spec.type === "ExternalName" && (spec.externalIPs ?? []).length > 0)
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (spec.externalName && spec.type !== "ExternalName")
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (spec.trafficDistribution === "PreferClose")
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  return warnings;
}
