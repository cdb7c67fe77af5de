import { join } from "node:path";
import type { SignerName } from "../api/certificate-signer.ts";
import type { ApiServer } from "../apiserver/serve.ts";
import { changingWith, constant } from "../base/changing.ts";
import type { Clock } from "../base/clock.ts";
import { cidrText } from "../base/ip.ts";
import type { Lifecycle } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { type Client, openClient } from "../client/client.ts";
import type { Informers } from "../client/informer.ts";
import { QueueMetrics } from "../client/work-queue-metrics.ts";
import { deployManifests } from "../cluster/deploy-manifests.ts";
import type { KeptCredentials } from "../cluster/keep-credentials.ts";
import { certificateSigner } from "../cluster/sign-request.ts";
import { runControllers, runServerLoops } from "../controllers/run.ts";
import type { Configuration } from "../scheduler/configuration.ts";
import { SchedulerMetrics } from "../scheduler/metrics.ts";
import { runScheduler } from "../scheduler/run.ts";
import type { ServerConfig } from "./config.ts";
import type { ControllerFiles } from "./controller-files.ts";
import { ensureDnsService } from "./dns-service.ts";
import { publishExtensionAuthentication } from "./extension-authentication.ts";
import { keepLocalStorageClass } from "./local-storage-class.ts";
import { accountUser, partUser, userOf } from "./part-users.ts";

export interface ControlPlaneSurroundings {
  readonly config: ServerConfig;
  readonly api: ApiServer;
  readonly informers: Informers;
  readonly credentials: KeptCredentials;
  /** What the settings of the controllers name instead of the cluster's own. */
  readonly files: ControllerFiles;
  /** How the scheduler works. */
  readonly scheduling: Configuration;
  /** For what is written once at the start. */
  readonly startClient: Client;
  /** What the API server shows under /metrics. */
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
}

/** Starts what makes the cluster as its objects say, as far as the configuration wants it: controllers, manifests, scheduler. */
export async function startControlPlane(parts: Lifecycle, surroundings: ControlPlaneSurroundings): Promise<void> {
  const { config, api, informers, credentials, files, scheduling, startClient, metrics, clock, log } = surroundings;
  const queues = new QueueMetrics(clock);
  metrics.add(() => queues.metrics());
  const serverClient = (account: string) =>
    openClient(api.transportFor(accountUser(account)), { fieldManager: "kube-apiserver" });
  await parts.start("server loops", () =>
    runServerLoops({
      clientFor: serverClient,
      informers,
      clock,
      queues,
      log: log.part("apiserver"),
      nodePorts: config.nodePorts,
    }),
  );
  if (!config.without.controllers) {
    const clientFor = (account: string) =>
      openClient(api.transportFor(accountUser(account)), { fieldManager: "kube-controller-manager" });
    await ensureDnsService(startClient, config);
    const publish = () => publishExtensionAuthentication(startClient, credentials.current);
    await publish();
    await parts.start("extension authentication", () =>
      credentials.onChange(() => {
        publish().catch((error: unknown) =>
          log.error("servers of other APIs do not know the new authorities", { error }),
        );
      }),
    );
    const authorityOf = (signer: SignerName) =>
      files.signing[signer] ?? credentials.current[signer === "kubeletServing" ? "serverCa" : "clientCa"];
    const options = {
      clusterCidrs: config.clusterCidrs.map(cidrText),
      rootCa: files.rootCa ? constant(files.rootCa) : changingWith(credentials, ({ serverCas }) => serverCas),
      certificates: certificateSigner(authorityOf),
      settings: config.controllerSettings,
      makeAccountToken: api.makeAccountToken,
      localStorage: config.localStorage.offered,
      cloudNodes: !config.without.cloudController,
      serviceLoadBalancer: !config.without.serviceLoadBalancer,
    };
    await parts.start("controllers", () =>
      runControllers({ clientFor, informers, clock, queues, log: log.part("controllers"), options }),
    );
    api.componentRuns("controller-manager");
  }
  await parts.start("local storage class", async () => {
    const { offered } = config.localStorage;
    return keepLocalStorageClass(startClient, { informers, offered, log: log.part("local-storage") });
  });
  await parts.start("manifests", () => {
    const client = openClient(api.transportFor(partUser("manifests")), { fieldManager: "skiff-manifests" });
    return deployManifests({
      directory: join(config.dataDirectory, "server", "manifests"),
      client,
      clock,
      log: log.part("manifests"),
    });
  });
  if (!config.without.scheduler) {
    const client = openClient(api.transportFor(userOf("system:kube-scheduler")), { fieldManager: "kube-scheduler" });
    const counts = new SchedulerMetrics(clock);
    metrics.add(() => counts.metrics());
    const scheduler = { client, informers, clock, log, configuration: scheduling, metrics: counts };
    await parts.start("scheduler", () => runScheduler(scheduler));
    api.componentRuns("scheduler");
  }
}
