import { once } from "node:events";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { parseCidr } from "../base/ip.ts";
import { CannotStart, Lifecycle } from "../base/lifecycle.ts";
import { connectPinned } from "../base/pinned-tls.ts";
import { openClient } from "../client/client.ts";
import { openHttpTransport } from "../client/open-http-transport.ts";
import { openInformers } from "../client/open-informers.ts";
import { serverName } from "../cluster/join.ts";
import { Membership } from "../cluster/membership.ts";
import { parseToken } from "../cluster/token.ts";
import { memoryAddon } from "./addons.ts";
import { machineAddress } from "./addresses.ts";
import { type AgentSettings, startAgent } from "./agent.ts";
import type { JoinConfig, NetworkBackend } from "./config.ts";
import { startTunnel } from "./dial-tunnel.ts";
import { giveBackMemory, ownMemory } from "./give-back-memory.ts";
import { intendedAgent, logFindings } from "./inspect-device.ts";
import type { RunOptions } from "./server.ts";
import { openServiceManager, systemd } from "./service-manager.ts";

// An agent has one connection that matters: it learns within seconds that nobody is at its other end.
const silenceMs = 10_000;

/** Runs a node of a cluster whose server is elsewhere, until `stop`. */
export async function runAgent(config: JoinConfig, { log, stop, say }: RunOptions): Promise<void> {
  if (process.getuid?.() !== 0) throw new CannotStart("skiff agent needs root to run containers: use sudo");
  const began = performance.now();
  const clock = systemClock;
  await using parts = new Lifecycle(log);
  const manager = await parts.start("service manager", () =>
    openServiceManager({ ...systemd(config.dataDirectory), clock, log }),
  );

  const membership = await parts.start("membership", () =>
    Membership.open(
      {
        directory: join(config.dataDirectory, "agent"),
        nodeName: config.agent.nodeName,
        server: config.server,
        token: config.token === undefined ? undefined : parsedToken(config.token),
        clock,
        log: log.part("join"),
      },
      () => transport.reconnect(),
      stop,
    ),
  );
  const { servers } = membership;
  const transport = await parts.start("transport", () =>
    openHttpTransport({
      server: servers,
      ca: () => membership.serverCa,
      serverName,
      credentials: () => membership.credentials,
      clock,
      silenceMs,
    }),
  );
  membership.keepFresh();
  const client = openClient(transport, { fieldManager: "kubelet" });
  const informers = await parts.start("informers", () => openInformers(client, { clock, log }));
  const dial = async (signal: AbortSignal) => {
    const { hostname, port } = new URL(servers.current);
    const host = hostname.replace(/^\[|\]$/g, "");
    const target = { host, port: Number(port || 443), ca: membership.serverCa, name: serverName };
    const socket = await connectPinned({ ...target, ...membership.credentials, protocols: ["http/1.1"] }, signal);
    return startTunnel(socket, host, signal);
  };
  const node = await startAgent(parts, settingsOf(config, membership.cluster), { client, informers, dial, clock, log });
  node.registered.then(
    () => {
      say(`node ${node.name} is Ready after ${((performance.now() - began) / 1000).toFixed(1)} s`);
      manager.ready(`node ${node.name} is Ready`);
    },
    (error: unknown) => log.error("the node did not register", { error }),
  );
  const memory = ownMemory(memoryAddon(join(config.dataDirectory, "agent")));
  await parts.start("memory", async () => giveBackMemory(memory, { clock, log: log.part("memory") }));
  void logFindings(intendedAgent(config), log.part("check"));
  if (!stop.aborted) await once(stop, "abort");
  log.info("stopping; containers go on running");
  manager.stopping();
}

function parsedToken(text: string) {
  try {
    return parseToken(text);
  } catch (error) {
    throw new CannotStart(`--token: ${(error as Error).message}`);
  }
}

/** What this device was told, and what the cluster says is the same on all nodes. */
function settingsOf({ dataDirectory, agent }: JoinConfig, cluster: Membership["cluster"]): AgentSettings {
  const cidrs = (texts: readonly string[]) => texts.flatMap((text) => parseCidr(text) ?? []);
  return {
    ...agent,
    dataDirectory,
    nodeIps: agent.nodeIps.length > 0 ? agent.nodeIps : [machineAddress()],
    clusterCidrs: cidrs(cluster.clusterCidrs),
    serviceCidrs: cidrs(cluster.serviceCidrs),
    clusterDns: cluster.clusterDns,
    clusterDomain: cluster.clusterDomain,
    networkBackend: cluster.networkBackend as NetworkBackend,
  };
}
