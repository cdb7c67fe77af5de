import type { Service } from "../../schema/types.ts";
import { isHeadless } from "./service-changes.ts";

export function serviceWarnings({ spec }: Service): string[] {
  const warnings: string[] = [];
  if (isHeadless(spec)) {
    if (spec.loadBalancerIP) warnings.push("spec.loadBalancerIP is ignored for headless services");
    if ((spec.externalIPs ?? []).length > 0) warnings.push("spec.externalIPs is ignored for headless services");
    if (spec.sessionAffinity !== "None") warnings.push("spec.SessionAffinity is ignored for headless services");
  }
  if ((spec.externalIPs ?? []).length > 0)
    warnings.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  if (spec.externalName && spec.type !== "ExternalName")
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (spec.trafficDistribution === "PreferClose")
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  return warnings;
}
