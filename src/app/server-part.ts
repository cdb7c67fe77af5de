import { existsSync } from "node:fs";
import { join } from "node:path";
import { builtinKinds } from "../api/kinds/all.ts";
import { event as eventKind } from "../api/kinds/core/event.ts";
import { timeText } from "../api/time.ts";
import type { ApiServer } from "../apiserver/serve.ts";
import { serveApi } from "../apiserver/serve.ts";
import type { Clock } from "../base/clock.ts";
import { keepWhole } from "../base/files.ts";
import { cidrText } from "../base/ip.ts";
import { CannotStartYet, Lifecycle } from "../base/lifecycle.ts";
import { Metrics } from "../base/metrics.ts";
import { openClient } from "../client/client.ts";
import { openInformers } from "../client/open-informers.ts";
import { Gate } from "../cluster/admit-node.ts";
import type { ServerCredentials } from "../cluster/credentials.ts";
import type { ClusterSettings } from "../cluster/join-protocol.ts";
import { KeptCredentials } from "../cluster/keep-credentials.ts";
import { kubeconfigOf } from "../cluster/kubeconfig.ts";
import { releaseNamesOfDeletedNodes } from "../cluster/node-keys.ts";
import { scheduleSnapshots } from "../cluster/snapshots.ts";
import { publishHeard } from "../network/publish-heard.ts";
import { databaseName } from "../store/open.ts";
import { openTunnelHub } from "../tunnel/hub.ts";
import { databaseCode } from "./addons.ts";
import { machineAddress } from "./addresses.ts";
import { ensureAgentRoles } from "./agent-role.ts";
import { auditLogFrom } from "./audit.ts";
import type { ServerConfig } from "./config.ts";
import { startControlPlane } from "./control-plane.ts";
import { readControllerFiles } from "./controller-files.ts";
import { joinRoutes } from "./join-routes.ts";
import { labelServerNode } from "./label-server-node.ts";
import { openDatabase, replacementEvent } from "./open-database.ts";
import { partUser } from "./part-users.ts";
import { refusePlainly } from "./refusals.ts";
import { schedulerConfiguration } from "./scheduler-configuration.ts";
import type { RunOptions } from "./server.ts";
import { advertisedAddress, localAddress, sansOf, serverUrls } from "./server-names.ts";
import { databaseDirectory, snapshotRoute } from "./snapshots.ts";
import { readStaticTokens } from "./static-tokens.ts";
import { tunnelUpgrade } from "./tunnel-upgrade.ts";
import { kubernetesVersion, skiffVersion } from "./version.ts";

export interface ServerPartOptions extends Pick<RunOptions<ServerConfig>, "log" | "say"> {
  /** When the process began, by performance.now(). */
  readonly began: number;
  /** Whether this machine remembers that it is a node of the cluster whose server it is. */
  readonly isMember: () => Promise<boolean>;
  /** Where this machine's node hears other nodes (network/open.ts). */
  readonly heard: () => Promise<ReadonlyMap<string, string>>;
  readonly clock: Clock;
}

/** What makes the cluster: the database, the API, and the parts that make it as its objects say. */
export interface ServerPart extends AsyncDisposable {
  readonly api: ApiServer;
  readonly credentials: KeptCredentials;
  /** How many bytes the cluster's objects take, each in its stored form. */
  heldBytes(): number;
  /** Takes up what may change while it runs. */
  takeUp(now: ServerConfig): void;
  /** The machine has other addresses. */
  moved(nodeIps: readonly string[]): Promise<void>;
}

/** Starts it. What was started of it is stopped again when the rest cannot be. */
export async function openServerPart(config: ServerConfig, options: ServerPartOptions): Promise<ServerPart> {
  const parts = new Lifecycle(options.log);
  try {
    return await startIn(parts, config, options);
  } catch (error) {
    await parts[Symbol.asyncDispose]().catch((failure: unknown) =>
      options.log.warn("what had started did not stop in order", { error: failure }),
    );
    throw error;
  }
}

async function startIn(
  parts: Lifecycle,
  config: ServerConfig,
  { log, say, clock, began, isMember, heard }: ServerPartOptions,
): Promise<ServerPart> {
  const { listen, kubeconfig } = config;
  // What may be another after a while: where the machine is, and what the user says.
  let machine = machineAddress();
  let current = config;
  const serverDirectory = join(config.dataDirectory, "server");
  // What the user wrote is read before anything is made of it.
  const files = await readControllerFiles(config.controllerSettings);
  const staticTokens = await readStaticTokens(config.staticTokensFile);
  const scheduling = await schedulerConfiguration(config.schedulerSettings.configurationFile);
  await refuseToBeginAnew(config.dataDirectory, isMember);
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
  const { readsAtOnce, changesAtOnce, ...auditSettings } = config.apiServerSettings;
  const auditing = { clock, log: log.part("audit") };
  const audit = await parts.start("audit log", () => auditLogFrom(auditSettings, auditing));
  const metrics = new Metrics();
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
        staticTokens,
        anonymous: true,
        serviceCidrs: config.serviceCidrs.map(cidrText),
        nodePorts: config.nodePorts,
        advertiseAddress: advertisedAddress(config, machine),
        advertisePort: listen.port,
        nodes: tunnels,
        ...(audit && { audit }),
        metrics,
        requestsAtOnce: { reads: readsAtOnce, changes: changesAtOnce },
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
    keepWhole(kubeconfig.file, kubeconfigOf({ server: localUrl, ca, user }), kubeconfig.mode);
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
  say(`kubeconfig: ${kubeconfig.file}`);
  say(`API: ${localUrl}, answers after ${secondsSince(began)}`);

  // All parts of this process read through the same informers, whose objects are those that the API server holds.
  const informers = await parts.start("informers", () =>
    openInformers(openClient(api.transportFor(partUser("informers")), { fieldManager: "skiff" }), { clock, log }),
  );
  await parts.start("node names", () => releaseNamesOfDeletedNodes(startClient, informers, log.part("join")));
  await startControlPlane(parts, {
    config,
    api,
    informers,
    credentials: kept,
    files,
    scheduling,
    startClient,
    metrics,
    clock,
    log,
  });
  if (!config.without.agent) {
    await parts.start("role", () => labelServerNode(startClient, informers, config.agent.nodeName, log));
    if (config.networkBackend === "wireguard")
      await parts.start("heard nodes", () => publishHeard(startClient, { informers, heard, log: log.part("network") }));
  }
  const { schedule, directory } = config.snapshots;
  if (schedule) {
    const from = { store, directory, nodeName: config.agent.nodeName, log: log.part("snapshots") };
    await parts.start("snapshots", () => scheduleSnapshots(schedule, from));
  }
  return {
    api,
    credentials: kept,
    heldBytes: () => store.bytes,
    takeUp(now) {
      const agent = { ...config.agent, nodeExternalIps: now.agent.nodeExternalIps };
      follow({ ...config, tlsSans: now.tlsSans, agent }, machine).catch((error: unknown) =>
        log.error("the API is not advertised at its new address", { error }),
      );
    },
    moved: async ([now = machine]) => follow(current, now),
    [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
  };
}

/**
 * A node that remembers its cluster finds none of the server's data: a disk that is not there, most likely. To begin another
 * cluster in their place would end all that runs on this device.
 */
async function refuseToBeginAnew(dataDirectory: string, isMember: () => Promise<boolean>): Promise<void> {
  const needed = [
    join(dataDirectory, "server", "tls", "server-ca.key"),
    join(databaseDirectory(dataDirectory), databaseName),
  ];
  const missing = needed.find((file) => !existsSync(file));
  if (missing === undefined || !(await isMember())) return;
  throw new CannotStartYet(
    `${missing} is not there, although this device is a node of that cluster: mount the disk that it lies on, or put a copy in its place; for a new cluster remove ${join(dataDirectory, "agent")} too`,
  );
}

/** "1.2 s" */
export const secondsSince = (began: number): string => `${((performance.now() - began) / 1000).toFixed(1)} s`;

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
