import { service } from "../api/kinds/core/service.ts";
import type { Client } from "../client/client.ts";
import { ifThere } from "../client/if-there.ts";
import type { ServerConfig } from "./config.ts";

/**
 * The Service under whose address pods find DNS. It selects no pods: every node answers on the address itself
 * (network/dns). It keeps the address taken and shows users what they look for, by the name that they know.
 */
export async function ensureDnsService(
  client: Client,
  { clusterDns }: Pick<ServerConfig, "clusterDns">,
): Promise<void> {
  const [clusterIP] = clusterDns;
  const metadata = { namespace: "kube-system", name: "kube-dns" };
  if (clusterIP === undefined || (await ifThere(client.get(service, metadata)))) return;
  const labels = { "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" };
  const ports = [
    { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
    { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
  ];
  const spec = { clusterIP, clusterIPs: [...clusterDns], ports };
  await client.create(service, { metadata: { ...metadata, labels }, spec });
}
