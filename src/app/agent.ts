import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { Clock } from "../base/clock.ts";
import { cidrText } from "../base/ip.ts";
import type { Lifecycle } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import type { Informers } from "../client/informer.ts";
import type { Recollection } from "../client/recollection.ts";
import { type Network, openNetwork } from "../network/open.ts";
import { offerLocalStorage } from "../node/local-storage.ts";
import { openDocker } from "../node/open-docker.ts";
import { type RunningNode, runNode, type SaidOfNode } from "../node/run.ts";
import { nodeApi } from "../node/serve.ts";
import { openTunnel } from "../tunnel/agent.ts";
import type { AgentConfig, LocalStorageSettings, NetworkBackend, ServerConfig } from "./config.ts";
import { keepSlices } from "./keep-slices.ts";
import { NodeAddresses } from "./node-addresses.ts";
import { shutDownPods } from "./shut-down-pods.ts";
import { kubernetesVersion } from "./version.ts";

// A device whose link comes back is wanted at once. Its connection is one for all that it asks, so that this is one attempt a second or two.
export const retryOfNode = { firstMs: 500, maxMs: 1_000, jitter: 1 };

export interface AgentSurroundings {
  readonly client: Client;
  readonly informers: Informers;
  /** What the API last said. */
  readonly recollection: Recollection;
  /** Opens a connection to a server that is to become the node's tunnel. */
  readonly dial: (signal: AbortSignal) => Promise<Duplex>;
  /** Told when the machine has other addresses. */
  readonly moved?: (nodeIps: readonly string[]) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

export type AgentSettings = AgentConfig &
  Pick<ServerConfig, "dataDirectory" | "clusterCidrs" | "serviceCidrs" | "clusterDns" | "clusterDomain"> & {
    readonly networkBackend: NetworkBackend;
    readonly localStorage: LocalStorageSettings;
    /** Whether the cluster's nodes wait for a cloud-controller-manager from outside. */
    readonly externalCloud: boolean;
  };

export interface RunningAgent {
  readonly node: RunningNode;
  readonly network: Network;
  /** Takes up what may change while it runs: labels, external addresses, the time that pods have when the machine goes down. */
  takeUp(now: AgentConfig): void;
}

/** Starts the node's parts in order: runtime, network, pods, tunnel. Works beside a server, or against a distant one. */
export async function startAgent(
  parts: Lifecycle,
  settings: AgentSettings,
  { client, informers, recollection, dial, moved: tellMoved, clock, log }: AgentSurroundings,
): Promise<RunningAgent> {
  const { nodeName, clusterDns, clusterDomain, kubelet } = settings;
  const addresses = new NodeAddresses({ given: settings.nodeIps, moved: tellMoved });
  const directory = join(settings.dataDirectory, "agent");
  const runtime = await parts.start("docker", () =>
    openDocker({ socket: settings.runtimeEndpoint, directory, log: log.part("docker"), clock }),
  );
  await keepSlices((await runtime.info()).cgroupDriver, { log });
  let node: RunningNode | undefined;
  let misses: readonly string[] = [];
  const network = await parts.start("network", () =>
    openNetwork({
      informers,
      nodeName,
      clusterCidrs: settings.clusterCidrs.map(cidrText),
      serviceCidrs: settings.serviceCidrs.map(cidrText),
      clusterDns,
      clusterDomain,
      nodeIps: addresses.current,
      stateDirectory: join(directory, "network"),
      backend: settings.networkBackend,
      moved: () => addresses.look(),
      missed(obstacles) {
        misses = obstacles;
        node?.misses(obstacles);
      },
      resolvConf: kubelet.resolvConf ?? "/etc/resolv.conf",
      clock,
      log,
    }),
  );
  const running = await parts.start("node", () =>
    runNode({
      client,
      informers,
      recollection,
      runtime,
      network,
      clock,
      log: log.part("node"),
      nodeName,
      nodeIps: addresses.current,
      ...saidOfNode(settings),
      annotations: network.annotations,
      taints: [...(kubelet.taints ?? []), ...settings.nodeTaints],
      externalCloud: settings.externalCloud || kubelet.externalCloud === true,
      providerId: kubelet.providerId,
      maxPods: kubelet.maxPods,
      reserved: kubelet.reserved,
      pressure: { thresholds: kubelet.evictionHard, staysMs: kubelet.pressureStaysMs },
      dns: { clusterDns, clusterDomain },
      rootDirectory: directory,
      memoryDirectory: "/run/skiff",
      driverDirectory: kubelet.rootDirectory ?? "/var/lib/kubelet",
      version: kubernetesVersion.gitVersion,
    }),
  );
  const storage = settings.localStorage;
  if (storage.offered)
    await parts.start("local storage", async () =>
      offerLocalStorage({
        client,
        informers,
        clock,
        log,
        nodeName,
        directory: storage.path ?? join(settings.dataDirectory, "storage"),
      }),
    );
  const answer = nodeApi({ node: running, runtime, clock, rootDirectory: directory });
  await parts.start("tunnel", () => openTunnel({ dial, answer, clock, log: log.part("tunnel") }));
  let { shutdownGrace } = settings;
  // Started last, stopped first: all that pods need to end is still there.
  await parts.start("shutdown", () => ({
    [Symbol.asyncDispose]: () => shutDownPods(running, shutdownGrace, { log: log.part("node") }),
  }));
  // What was told while the node began.
  addresses.follow((ips) => running.moveTo(ips));
  node = running;
  if (misses.length > 0) node.misses(misses);
  return {
    node: running,
    network,
    takeUp(now) {
      ({ shutdownGrace } = now);
      running.takeUp(saidOfNode({ ...now, kubelet }));
    },
  };
}

function saidOfNode({ kubelet, nodeLabels, nodeExternalIps }: AgentConfig): SaidOfNode {
  return { externalIps: nodeExternalIps, labels: { ...kubelet.labels, ...nodeLabels } };
}
