import type { ApiServer } from "../apiserver/serve.ts";
import type { Clock } from "../base/clock.ts";
import type { Lifecycle } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { connectPinned } from "../base/pinned-tls.ts";
import { openClient } from "../client/client.ts";
import type { Informers } from "../client/informer.ts";
import { serverName } from "../cluster/join.ts";
import { nodeGroups } from "../cluster/join-protocol.ts";
import type { KeptCredentials } from "../cluster/keep-credentials.ts";
import { type RunningAgent, startAgent } from "./agent.ts";
import type { ServerConfig } from "./config.ts";
import { startTunnel } from "./dial-tunnel.ts";
import { userOf } from "./part-users.ts";
import { localAddress } from "./server-names.ts";

export interface OwnNodeSurroundings {
  readonly config: ServerConfig;
  readonly api: ApiServer;
  readonly informers: Informers;
  readonly credentials: KeptCredentials;
  /** Told when the machine has other addresses. */
  readonly moved: (nodeIps: readonly string[]) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Starts the server's own machine as a node: an agent like any other, but for its way to the API. */
export async function startOwnNode(parts: Lifecycle, surroundings: OwnNodeSurroundings): Promise<RunningAgent> {
  const { config, api, informers, credentials, moved, clock, log } = surroundings;
  const { listen } = config;
  const client = openClient(api.transportFor(userOf(`system:node:${config.agent.nodeName}`, nodeGroups)), {
    fieldManager: "kubelet",
  });
  const target = { host: localAddress(listen.address), port: api.port };
  const dial = async (signal: AbortSignal) => {
    const { serverCas: ca, node: own } = credentials.current;
    const shown = { ...target, ...own, ca, name: serverName, protocols: ["http/1.1"] };
    return startTunnel(await connectPinned(shown, signal), target.host, signal);
  };
  const settings = { ...config, ...config.agent, externalCloud: config.without.cloudController };
  return startAgent(parts, settings, { client, informers, dial, moved, clock, log });
}
