import type { Service } from "../api/schema/types.ts";

/** The label by which an EndpointSlice names its Service. */
export const serviceNameLabel = "kubernetes.io/service-name";

/** The addresses a Service has inside the cluster; none for headless and ExternalName ones. */
export function clusterIpsOf({ spec }: Service): readonly string[] {
  const ips = spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : [];
  return ips.filter((ip) => ip !== "None" && ip !== "");
}

/** Whether a Service has a cluster IP of "None": its name leads to its endpoints themselves. */
export function isHeadless({ spec }: Service): boolean {
  return spec.clusterIP === "None";
}
