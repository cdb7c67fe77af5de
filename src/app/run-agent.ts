import { once } from "node:events";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { systemClock } from "../base/clock.ts";
import { parseCidr } from "../base/ip.ts";
import { CannotStart, Lifecycle } from "../base/lifecycle.ts";
import { connectPinned } from "../base/pinned-tls.ts";
import { openClient } from "../client/client.ts";
import { type HttpTransport, openHttpTransport } from "../client/open-http-transport.ts";
import { openInformers } from "../client/open-informers.ts";
import { ServerList } from "../client/server-list.ts";
import { serverName } from "../cluster/join.ts";
import { Membership } from "../cluster/membership.ts";
import { parseToken } from "../cluster/token.ts";
import { memoryAddon } from "./addons.ts";
import { type AgentSettings, retryOfNode, startAgent } from "./agent.ts";
import type { JoinConfig, NetworkBackend } from "./config.ts";
import { startTunnel } from "./dial-tunnel.ts";
import { giveBackMemory, ownMemory } from "./give-back-memory.ts";
import { intendedAgent, logFindings } from "./inspect-device.ts";
import { openRecollection } from "./open-recollection.ts";
import type { RunOptions } from "./server.ts";
import { openServiceManager, systemd } from "./service-manager.ts";
import { skiffVersion } from "./version.ts";

// An agent has one connection that matters: it learns within seconds that nobody is at its other end.
const silenceMs = 10_000;

/** Runs a node of a cluster whose server is elsewhere, until `stop`. */
export async function runAgent(
  config: JoinConfig,
  { log, stop, say, onReload }: RunOptions<JoinConfig>,
): Promise<void> {
  if (process.getuid?.() !== 0) throw new CannotStart("skiff agent needs root to run containers: use sudo");
  const began = performance.now();
  const clock = systemClock;
  const directory = join(config.dataDirectory, "agent");
  await using parts = new Lifecycle(log);
  const manager = await parts.start("service manager", () =>
    openServiceManager({ ...systemd(config.dataDirectory), clock, log }),
  );

  const servers = new ServerList([config.server]);
  let transport: HttpTransport | undefined;
  let tunnel: Duplex | undefined;
  /** The way to the server is another one: what was connected before is never answered again, which only its silence would tell. */
  const dialAnew = () => {
    transport?.abandon();
    tunnel?.destroy();
  };
  onReload((now) => {
    if (servers.replaceGiven(now.server)) dialAnew();
  });
  const membership = await parts.start("membership", () =>
    Membership.open(
      {
        directory,
        nodeName: config.agent.nodeName,
        servers,
        token: config.token === undefined ? undefined : parsedToken(config.token),
        version: skiffVersion,
        clock,
        log: log.part("join"),
      },
      () => transport?.reconnect(),
      stop,
    ),
  );
  transport = await parts.start("transport", () =>
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
  const recollection = await parts.start("recollection", () =>
    openRecollection(directory, { clock, log: log.part("recollection") }),
  );
  const informers = await parts.start("informers", () =>
    openInformers(client, { clock, log, recollection, retry: retryOfNode }),
  );
  const dial = async (signal: AbortSignal) => {
    const server = servers.current;
    const { hostname, port } = new URL(server);
    const host = hostname.replace(/^\[|\]$/g, "");
    const target = { host, port: Number(port || 443), ca: membership.serverCa, name: serverName };
    const shown = { ...target, ...membership.credentials, protocols: ["http/1.1"] };
    try {
      tunnel = await startTunnel(await connectPinned(shown, signal), host, signal);
      return tunnel;
    } catch (error) {
      servers.failed(server);
      throw error;
    }
  };
  const { node, takeUp } = await startAgent(parts, settingsOf(config, membership.cluster), {
    client,
    informers,
    recollection,
    dial,
    moved: async () => dialAnew(),
    clock,
    log,
  });
  onReload((now) => takeUp(now.agent));
  node.registered.then(
    () => {
      say(`node ${node.name} is Ready after ${((performance.now() - began) / 1000).toFixed(1)} s`);
      manager.ready(`node ${node.name} is Ready`);
    },
    (error: unknown) => log.error("the node did not register", { error }),
  );
  const memory = ownMemory(memoryAddon(directory));
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
    clusterCidrs: cidrs(cluster.clusterCidrs),
    serviceCidrs: cidrs(cluster.serviceCidrs),
    clusterDns: cluster.clusterDns,
    clusterDomain: cluster.clusterDomain,
    networkBackend: cluster.networkBackend as NetworkBackend,
    localStorage: cluster.localStorage ?? { offered: true },
    externalCloud: cluster.externalCloud ?? false,
  };
}
