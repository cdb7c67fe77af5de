import { node } from "../api/kinds/core/node.ts";
import { systemClock } from "../base/clock.ts";
import { openClient } from "../client/client.ts";
import { openHttpTransport } from "../client/open-http-transport.ts";
import { readKubeconfig } from "../cluster/read-kubeconfig.ts";

/** The nodes of a cluster by whether they are Ready. */
export interface Readiness {
  readonly ready: readonly string[];
  readonly notReady: readonly string[];
}

/** Asks the cluster of a kubeconfig for its nodes. Throws when the API does not answer. */
export async function readiness(kubeconfig: string): Promise<Readiness> {
  const { server, ca, cert, key } = await readKubeconfig(kubeconfig);
  await using transport = openHttpTransport({ server, ca, credentials: () => ({ cert, key }), clock: systemClock });
  const { items } = await openClient(transport, { fieldManager: "skiff" }).list(node);
  const isReady = ({ status }: (typeof items)[number]) =>
    status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
  const names = (nodes: typeof items) => nodes.map(({ metadata }) => metadata.name);
  return { ready: names(items.filter(isReady)), notReady: names(items.filter((one) => !isReady(one))) };
}
