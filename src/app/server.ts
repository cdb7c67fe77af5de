import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { node as nodeKind } from "../api/kinds/core/node.ts";
import { systemClock } from "../base/clock.ts";
import { CannotStart, Lifecycle } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { memoryAddon } from "./addons.ts";
import type { RunningAgent } from "./agent.ts";
import type { ServerConfig } from "./config.ts";
import { giveBackMemory, ownMemory } from "./give-back-memory.ts";
import { intendedServer, logFindings } from "./inspect-device.ts";
import { type OpenRecollection, openRecollection } from "./open-recollection.ts";
import { startOwnNode } from "./own-node.ts";
import { OwnServer } from "./own-server.ts";
import { refusePlainly } from "./refusals.ts";
import { openServerPart, secondsSince } from "./server-part.ts";
import { openServiceManager, systemd } from "./service-manager.ts";

export interface RunOptions<Config> {
  readonly log: Log;
  /** Aborted to stop. */
  readonly stop: AbortSignal;
  /** Prints a line for the person who started it. */
  readonly say: (line: string) => void;
  /** `take` is called with the configuration when something changed in it that is taken up while it runs. */
  readonly onReload: (take: (now: Config) => void) => void;
}

/** Runs a server until `stop`: what makes the cluster, and this machine as a node of it. */
export async function runServer(
  config: ServerConfig,
  { log, stop, say, onReload }: RunOptions<ServerConfig>,
): Promise<void> {
  refuseWithoutRights(config);
  const began = performance.now();
  const clock = systemClock;
  await using parts = new Lifecycle(log); // leaving this function, also by an error, stops the parts in reverse
  const manager = await parts.start("service manager", () =>
    refusePlainly(config, () => openServiceManager({ ...systemd(config.dataDirectory), clock, log })),
  );

  const directory = join(config.dataDirectory, "agent");
  let opening: Promise<OpenRecollection> | undefined;
  const recollection = () =>
    (opening ??= parts.start("recollection", () =>
      openRecollection(directory, { clock, log: log.part("recollection") }),
    ));
  /** Whether this machine remembers that it is a node of the cluster whose server it is. */
  const isMember = async (): Promise<boolean> => {
    if (config.without.agent || !existsSync(join(directory, "recollection"))) return false;
    return ((await recollection()).list(nodeKind) ?? []).length > 0;
  };
  let current = config;
  let running: RunningAgent | undefined;
  const heard = async () => (await running?.network.heard()) ?? new Map<string, string>();
  const open = () => refusePlainly(config, () => openServerPart(current, { log, say, clock, began, isMember, heard }));
  const server = await parts.start("server", () => OwnServer.open({ open, canWait: isMember, clock, log }));
  onReload((now) => {
    const agent = { ...config.agent, nodeExternalIps: now.agent.nodeExternalIps };
    current = { ...config, tlsSans: now.tlsSans, agent };
    server.part?.takeUp(current);
  });

  if (!config.without.agent) {
    const agent = await refusePlainly(config, async () =>
      startOwnNode(parts, { config, server, recollection: await recollection(), clock, log }),
    );
    running = agent;
    onReload((now) => agent.takeUp(now.agent));
    const { node } = agent;
    node.registered.then(
      () => {
        say(`node ${node.name} is Ready after ${secondsSince(began)}`);
        manager.ready(`node ${node.name} is Ready`);
      },
      (error: unknown) => log.error("the node did not register", { error }),
    );
  } else manager.ready("the API answers");

  await parts.start("memory", async () =>
    giveBackMemory(ownMemory(memoryAddon(directory)), {
      clock,
      log: log.part("memory"),
      heldBytes: () => server.part?.heldBytes() ?? 0,
    }),
  );
  void logFindings(intendedServer(config), log.part("check"));
  if (!stop.aborted) await once(stop, "abort");
  manager.stopping();
  log.info("stopping; containers go on running");
}

function refuseWithoutRights(config: ServerConfig): void {
  if (!config.without.agent && process.getuid?.() !== 0) {
    throw new CannotStart(
      "skiff server needs root to run containers: use sudo, or --disable-agent for the control plane alone",
    );
  }
}
