import type { Clock } from "../base/clock.ts";
import type { Lifecycle } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { connectPinned } from "../base/pinned-tls.ts";
import { openClient } from "../client/client.ts";
import { openInformers } from "../client/open-informers.ts";
import type { Recollection } from "../client/recollection.ts";
import { serverName } from "../cluster/join.ts";
import { nodeGroups } from "../cluster/join-protocol.ts";
import { type RunningAgent, retryOfNode, startAgent } from "./agent.ts";
import type { ServerConfig } from "./config.ts";
import { startTunnel } from "./dial-tunnel.ts";
import type { OwnServer } from "./own-server.ts";
import { userOf } from "./part-users.ts";
import { localAddress } from "./server-names.ts";

export interface OwnNodeSurroundings {
  readonly config: ServerConfig;
  readonly server: OwnServer;
  readonly recollection: Recollection;
  readonly clock: Clock;
  readonly log: Log;
}

/** Starts the server's own machine as a node: an agent like any other, but for its way to the API. */
export async function startOwnNode(parts: Lifecycle, surroundings: OwnNodeSurroundings): Promise<RunningAgent> {
  const { config, server, recollection, clock, log } = surroundings;
  const host = localAddress(config.listen.address);
  const user = userOf(`system:node:${config.agent.nodeName}`, nodeGroups);
  const client = openClient(server.transportFor(user), { fieldManager: "kubelet" });
  const informers = await parts.start("node's informers", () =>
    openInformers(client, { clock, log, recollection, retry: retryOfNode }),
  );
  const dial = async (signal: AbortSignal) => {
    const { api, credentials } = server.current;
    const { serverCas: ca, node: own } = credentials.current;
    const shown = { host, port: api.port, ...own, ca, name: serverName, protocols: ["http/1.1"] };
    return startTunnel(await connectPinned(shown, signal), host, signal);
  };
  const settings = { ...config, ...config.agent, externalCloud: config.without.cloudController };
  const moved = async (nodeIps: readonly string[]) => server.part?.moved(nodeIps);
  return startAgent(parts, settings, { client, informers, recollection, dial, moved, clock, log });
}
