import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { builtinKinds } from "../api/kinds/all.ts";
import { event as eventKind } from "../api/kinds/core/event.ts";
import { timeText } from "../api/time.ts";
import { serveApi } from "../apiserver/serve.ts";
import { systemClock } from "../base/clock.ts";
import { cidrText } from "../base/ip.ts";
import { CannotStart, Lifecycle } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import { openClient } from "../client/client.ts";
import { openInformers } from "../client/open-informers.ts";
import { Gate } from "../cluster/admit-node.ts";
import type { ServerCredentials } from "../cluster/credentials.ts";
import { writeWhole } from "../cluster/files.ts";
import type { ClusterSettings } from "../cluster/join-protocol.ts";
import { KeptCredentials } from "../cluster/keep-credentials.ts";
import { kubeconfigOf } from "../cluster/kubeconfig.ts";
import { releaseNamesOfDeletedNodes } from "../cluster/node-keys.ts";
import { scheduleSnapshots } from "../cluster/snapshots.ts";
import { openTunnelHub } from "../tunnel/hub.ts";
import { databaseCode, memoryAddon } from "./addons.ts";
import { machineAddress } from "./addresses.ts";
import { ensureAgentRoles } from "./agent-role.ts";
import { auditLogFrom } from "./audit.ts";
import type { ServerConfig } from "./config.ts";
import { startControlPlane } from "./control-plane.ts";
import { readControllerFiles } from "./controller-files.ts";
import { giveBackMemory, ownMemory } from "./give-back-memory.ts";
import { intendedServer, logFindings } from "./inspect-device.ts";
import { joinRoutes } from "./join-routes.ts";
import { labelServerNode } from "./label-server-node.ts";
import { openDatabase, replacementEvent } from "./open-database.ts";
import { startOwnNode } from "./own-node.ts";
import { partUser } from "./part-users.ts";
import { refusePlainly } from "./refusals.ts";
import { advertisedAddress, localAddress, sansOf, serverUrls } from "./server-names.ts";
import { openServiceManager, systemd } from "./service-manager.ts";
import { databaseDirectory, snapshotRoute } from "./snapshots.ts";
import { staticTokensFrom } from "./static-tokens.ts";
import { tunnelUpgrade } from "./tunnel-upgrade.ts";
import { kubernetesVersion, skiffVersion } from "./version.ts";

export interface RunOptions<Config> {
  readonly log: Log;
  /** Aborted to stop. */
  readonly stop: AbortSignal;
  /** Prints a line for the person who started it. */
  readonly say: (line: string) => void;
  /** `take` is called with the configuration when something changed in it that is taken up while it runs. */
  readonly onReload: (take: (now: Config) => void) => void;
}

/** Runs a server until `stop`: the process on one page. */
export async function runServer(
  config: ServerConfig,
  { log, stop, say, onReload }: RunOptions<ServerConfig>,
): Promise<void> {
  refuseWithoutRights(config);
  const began = performance.now();
  const after = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  const clock = systemClock;
  await using parts = new Lifecycle(log); // leaving this function, also by an error, stops the parts in reverse
  const manager = await parts.start("service manager", () =>
    refusePlainly(config, () => openServiceManager({ ...systemd(config.dataDirectory), clock, log })),
  );

  const { listen, kubeconfig } = config;
  // What may be another after a while: where the machine is, and what the user says.
  let machine = machineAddress();
  let current = config;
  const serverDirectory = join(config.dataDirectory, "server");
  const kept = await parts.start("credentials", () =>
    refusePlainly(config, () =>
      KeptCredentials.open({
        directory: serverDirectory,
        nodeName: config.agent.nodeName,
        sans: sansOf(config, machine),
        token: config.token,
        agentToken: config.agentToken,
        leafLifetimeMs: config.leafLifetimeMs,
        clock,
        log: log.part("credentials"),
      }),
    ),
  );
  const credentials = kept.current;
  const files = await readControllerFiles(config.controllerSettings);
  const code = databaseCode(serverDirectory);
  const { store, replaced } = await parts.start("store", () =>
    refusePlainly(config, () =>
      openDatabase({
        directory: databaseDirectory(config.dataDirectory),
        snapshotDirectory: config.snapshots.directory,
        code,
        version: skiffVersion,
        surroundings: { clock, log: log.part("store") },
      }),
    ),
  );
  const auditing = { clock, log: log.part("audit") };
  const audit = await parts.start("audit log", () => auditLogFrom(config.audit, auditing));
  const gate = Promise.withResolvers<Gate>();
  const tunnels = await parts.start("tunnels", () => openTunnelHub({ clock, log: log.part("tunnel") }));
  const api = await parts.start("apiserver", async () =>
    refusePlainly(config, async () =>
      serveApi({
        store,
        kinds: builtinKinds,
        clock,
        log: log.part("apiserver"),
        listen,
        tls: tlsOf(credentials),
        serviceAccounts: {
          issuer: `https://kubernetes.default.svc.${config.clusterDomain}`,
          audiences: [`https://kubernetes.default.svc.${config.clusterDomain}`, "skiff"],
          signingKey: credentials.serviceAccountKey,
          ...(files.accountKey && { secretsKey: files.accountKey }),
          verifyingKeys: [],
        },
        staticTokens:
          config.staticTokensFile === undefined
            ? []
            : staticTokensFrom(await readFile(config.staticTokensFile, "utf8")),
        anonymous: true,
        serviceCidrs: config.serviceCidrs.map(cidrText),
        nodePorts: config.nodePorts,
        advertiseAddress: advertisedAddress(config, machine),
        advertisePort: listen.port,
        nodes: tunnels,
        ...(audit && { audit }),
        frontProxy: () => kept.current.frontProxy,
        upgrades: [tunnelUpgrade(tunnels)],
        openRoutes: [
          ...joinRoutes(gate.promise, () => kept.current.serverCa.cert),
          snapshotRoute(store, config.snapshots.directory),
        ],
        version: kubernetesVersion,
      }),
    ),
  );
  const startClient = openClient(api.transportFor(partUser("start")), { fieldManager: "skiff" });
  await ensureAgentRoles(startClient);
  if (replaced) {
    const told = startClient.create(eventKind, replacementEvent(replaced, timeText(clock.now())));
    await told.catch((error: unknown) => log.error("the Event about the database was not written", { error }));
  }
  gate.resolve(
    new Gate({
      client: startClient,
      directory: serverDirectory,
      clientCa: () => kept.current.clientCa,
      serverCa: () => kept.current.serverCas,
      servers: () => serverUrls(current, machine, api.port),
      cluster: clusterSettingsOf(config),
      ownNode: config.without.agent ? undefined : config.agent.nodeName,
      version: skiffVersion,
      clock,
      log: log.part("join"),
    }),
  );
  const localUrl = `https://${localAddress(listen.address)}:${api.port}`;
  const writeKubeconfig = ({ serverCas: ca, admin: user }: ServerCredentials) =>
    writeWhole(kubeconfig.file, kubeconfigOf({ server: localUrl, ca, user }), kubeconfig.mode);
  await refusePlainly(config, () => writeKubeconfig(credentials));
  kept.keepFresh(async (fresh) => {
    api.replaceTls(tlsOf(fresh));
    await writeKubeconfig(fresh);
  });
  /** The certificate and the Service "kubernetes" follow. */
  async function follow(next: ServerConfig, nextMachine: string): Promise<void> {
    const before = advertisedAddress(current, machine);
    [current, machine] = [next, nextMachine];
    kept.useSans(sansOf(current, machine));
    const now = advertisedAddress(current, machine);
    if (now !== before) await api.advertise(now);
  }
  onReload((now) => {
    const agent = { ...config.agent, nodeExternalIps: now.agent.nodeExternalIps };
    follow({ ...config, tlsSans: now.tlsSans, agent }, machine).catch((error: unknown) =>
      log.error("the API is not advertised at its new address", { error }),
    );
  });
  say(`kubeconfig: ${kubeconfig.file}`);
  say(`API: ${localUrl}, answers after ${after()}`);

  // All parts of this process read through the same informers, whose objects are those that the API server holds.
  const informers = await parts.start("informers", () =>
    openInformers(openClient(api.transportFor(partUser("informers")), { fieldManager: "skiff" }), { clock, log }),
  );
  await parts.start("node names", () => releaseNamesOfDeletedNodes(startClient, informers, log.part("join")));
  await startControlPlane(parts, { config, api, informers, credentials: kept, files, startClient, clock, log });
  if (!config.without.agent) {
    await parts.start("role", () => labelServerNode(startClient, informers, config.agent.nodeName, log));
    const moved = async ([now = machine]: readonly string[]) => follow(current, now);
    const running = await refusePlainly(config, () =>
      startOwnNode(parts, { config, api, informers, credentials: kept, moved, clock, log }),
    );
    onReload((now) => running.takeUp(now.agent));
    const { node } = running;
    node.registered.then(
      () => {
        say(`node ${node.name} is Ready after ${after()}`);
        manager.ready(`node ${node.name} is Ready`);
      },
      (error: unknown) => log.error("the node did not register", { error }),
    );
  } else manager.ready(`the API answers at ${localUrl}`);

  const { schedule, directory } = config.snapshots;
  if (schedule) {
    const from = { store, directory, nodeName: config.agent.nodeName, log: log.part("snapshots") };
    await parts.start("snapshots", () => scheduleSnapshots(schedule, from));
  }
  await parts.start("memory", async () =>
    giveBackMemory(ownMemory(memoryAddon(serverDirectory)), { clock, log: log.part("memory") }),
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

function clusterSettingsOf(config: ServerConfig): ClusterSettings {
  const { clusterCidrs, serviceCidrs, clusterDns, clusterDomain, networkBackend, localStorage, leafLifetimeMs } =
    config;
  const networks = { clusterCidrs: clusterCidrs.map(cidrText), serviceCidrs: serviceCidrs.map(cidrText) };
  const externalCloud = config.without.cloudController;
  return { ...networks, clusterDns, clusterDomain, networkBackend, localStorage, externalCloud, leafLifetimeMs };
}

function tlsOf({ serving, clientCas }: ServerCredentials) {
  return { ...serving, clientCa: clientCas };
}
