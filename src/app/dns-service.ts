import { service } from "../api/kinds/core/service.ts";
import { isReason } from "../api/status.ts";
import type { Client } from "../client/client.ts";
import type { ServerConfig } from "./config.ts";

/**
 * The Service under whose address pods find DNS. It selects no pods: every node answers on the address itself
 * (network/dns). It keeps the address taken and shows users what they look for, by the name that they know.
 */
export async function ensureDnsService(
  client: Client,
  { clusterDns }: Pick<ServerConfig, "clusterDns">,
): Promise<void> {
  const labels = { "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" };
  const ports = [
    { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
    { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
  ];
  const [clusterIP] = clusterDns;
  if (clusterIP === undefined) return;
  const spec = { clusterIP, clusterIPs: [...clusterDns], ports };
  try {
    await client.create(service, { metadata: { namespace: "kube-system", name: "kube-dns", labels }, spec });
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
}
