import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { node as nodeKind } from "../api/kinds/core/node.ts";
import { pod } from "../api/kinds/core/pod.ts";
import { service } from "../api/kinds/core/service.ts";
import { runtimeClass } from "../api/kinds/node/runtime-class.ts";
import type { NodeAddress, ObjectReference, Taint } from "../api/schema/types.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import type { Informers } from "../client/informer.ts";
import { noRecollection, type Recollection } from "../client/recollection.ts";
import { openAllocations } from "./allocations.ts";
import { openCgroups } from "./cgroups.ts";
import { openCsiVolumes } from "./csi/mount.ts";
import { openDriverRegistry } from "./csi/registry.ts";
import { openEventRecorder } from "./event-recorder.ts";
import { collectImages } from "./images/collect-garbage.ts";
import { openPullRecords } from "./images/pull-records.ts";
import { openImagePuller } from "./images/puller.ts";
import { type KeptNode, keepNode } from "./node-object/keep-node.ts";
import { inspectMachine, type Machine } from "./node-object/machine.ts";
import type { DnsSettings, PodNetwork } from "./pod-network.ts";
import { lookAfterPods, type Pods, type ShutdownGrace } from "./pods.ts";
import { type Pressure, type PressureSettings, watchPressure } from "./pressure/watch-pressure.ts";
import { openProbeCounts, type ProbeCounts } from "./probes/counts.ts";
import type { ContainerRuntime } from "./runtime.ts";
import { openStaticPods } from "./static-pods/directory.ts";
import { openMirrorPods } from "./static-pods/mirror-pods.ts";
import { openTurns } from "./turns.ts";
import { watchObjects } from "./volumes/referenced-objects.ts";
import { openTokens } from "./volumes/tokens.ts";
import { openVolumes, type Volumes } from "./volumes/volumes.ts";

export interface NodeOptions {
  readonly client: Client;
  readonly informers: Informers;
  /** What the API last said, for a start while no server answers; absent beside the server. */
  readonly recollection?: Recollection;
  readonly runtime: ContainerRuntime;
  readonly network: PodNetwork;
  readonly clock: Clock;
  readonly log: Log;
  readonly nodeName: string;
  /** The machine's own addresses; the first is the primary one. */
  readonly nodeIps: readonly string[];
  readonly externalIps?: readonly string[];
  readonly labels?: Labels;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  /** Whether a cloud-controller-manager outside says what this machine is; pods wait for that. */
  readonly externalCloud?: boolean;
  /** What the cloud calls this machine. */
  readonly providerId?: string | undefined;
  /** How many pods the node takes; 110 unless said. */
  readonly maxPods?: number | undefined;
  /** What of the machine is not for pods, each as quantities ("cpu": "100m"). */
  readonly reserved?: readonly Readonly<Record<string, string>>[] | undefined;
  readonly pressure?: PressureSettings;
  readonly dns: DnsSettings;
  /** What pods keep lies here, on disk. */
  readonly rootDirectory: string;
  /** What pods are given from the API lies here, in memory. */
  readonly memoryDirectory: string;
  /** Where CSI drivers look for what kubelet has in /var/lib/kubelet. */
  readonly driverDirectory: string;
  /** The version of Kubernetes that the node shows ("v1.36.0+skiff1"). */
  readonly version: string;
}

type Labels = Readonly<Record<string, string>>;

/** What a user says of a node and may say otherwise while it runs. */
export interface SaidOfNode {
  readonly externalIps: readonly string[];
  readonly labels: Labels;
}

/** A machine that runs pods. Disposing stops looking after them; they run on. */
export interface RunningNode extends AsyncDisposable {
  /** Resolves when the API shows the node as Ready. */
  readonly registered: Promise<void>;
  readonly pods: Pods;
  readonly machine: Machine;
  readonly name: string;
  /** The machine has these addresses now. */
  moveTo(nodeIps: readonly string[]): void;
  /** The user says this of it now. */
  takeUp(said: SaidOfNode): void;
  /** Says on the Node, and by an Event, which packets of its pods do not arrive; none: not any more. */
  misses(obstacles: readonly string[]): void;
  readonly dns: DnsSettings;
  readonly probeCounts: ProbeCounts;
  /** How full a pod's volumes are. */
  readonly volumeUsage: Volumes["usage"];
  /** The machine goes down: the node says that it is not ready and ends its pods in order. */
  shutDown(grace: ShutdownGrace): Promise<void>;
}

/** Which addresses a cloud-controller-manager may give the node (kubelet's annotation). */
const providedIps = "alpha.kubernetes.io/provided-node-ip";
const waitsForCloud: Taint = {
  key: "node.cloudprovider.kubernetes.io/uninitialized",
  value: "true",
  effect: "NoSchedule",
};

/** Registers this machine as a node and runs the pods that are bound to it. */
export async function runNode(options: NodeOptions): Promise<RunningNode> {
  const { client, informers, runtime, network, clock, log, nodeName, dns, nodeIps } = options;
  const { recollection = noRecollection, externalCloud = false } = options;
  await mkdir(options.rootDirectory, { recursive: true, mode: 0o750 });
  await mkdir(options.memoryDirectory, { recursive: true, mode: 0o750 });
  const info = await runtime.info();
  const { version, maxPods, reserved } = options;
  const machine = await inspectMachine({
    directory: options.rootDirectory,
    runtime: info,
    version,
    maxPods,
    reserved,
  });
  const services = informers.of(service);
  let told: KeptNode | undefined;
  const drivers = await openDriverRegistry({
    client,
    clock,
    log: log.part("csi"),
    nodeName,
    directory: options.driverDirectory,
    changed: () => told?.labelsChanged(),
  });
  const events = openEventRecorder({ client, clock, log, nodeName });
  const tokens = openTokens({ client, clock, recollection });
  const csi = await openCsiVolumes({
    client,
    clock,
    log: log.part("csi"),
    events,
    nodeName,
    directory: options.driverDirectory,
    driver: (name) => drivers.driver(name),
    token: (of, projection) => tokens.token(of, projection),
    changed: () => told?.volumesChanged(),
  });
  const objects = watchObjects({ client, clock, log, recollection });
  let currentIps = nodeIps;
  let said: SaidOfNode = { externalIps: options.externalIps ?? [], labels: options.labels ?? {} };
  const addresses = (): NodeAddress[] => [
    ...currentIps.map((address) => ({ type: "InternalIP", address })),
    ...(externalCloud ? [] : said.externalIps.map((address) => ({ type: "ExternalIP", address }))),
    { type: "Hostname", address: nodeName },
  ];
  const identity = {
    name: nodeName,
    addresses,
    labels: () => ({ ...drivers.labels(), ...said.labels }),
    annotations: () => ({
      ...options.annotations,
      ...drivers.annotations(),
      [providedIps]: externalCloud ? currentIps.join(",") : undefined,
    }),
    taints: [...(options.taints ?? []), ...(externalCloud ? [waitsForCloud] : [])],
    providerId: options.providerId,
    externalCloud,
  };
  const probeCounts = openProbeCounts();
  const none: ReadonlySet<string> = new Set();
  let watched: Pressure | undefined;
  const pressure = () => watched?.conditions ?? none;
  const nodes = informers.of(nodeKind);
  const kept = keepNode({
    client,
    clock,
    log,
    runtime,
    machine,
    identity,
    pressure,
    volumesInUse: () => csi.inUse(),
    nodes,
  });
  told = kept;
  void kept.registered.then(() => drivers.announce(kept.uid));
  const volumes = openVolumes({
    directory: join(options.rootDirectory, "pods"),
    memoryDirectory: join(options.memoryDirectory, "pods"),
    client,
    recollection,
    objects,
    csi,
  });
  const statics = await openStaticPods({
    directory: join(options.rootDirectory, "pod-manifests"),
    nodeName,
    clock,
    log,
  });
  const records = await openPullRecords(join(options.rootDirectory, "pulled-images.json"), log);
  const podsHere = informers.of(pod, { fieldSelector: `spec.nodeName=${nodeName}` });
  const pods = await lookAfterPods(
    {
      client,
      clock,
      log,
      runtime,
      network,
      volumes,
      objects,
      tokens,
      images: openImagePuller({ runtime, clock, records }),
      events,
      cgroups: openCgroups(runtime, log),
      probeCounts,
      mirrors: openMirrorPods({ client, nodeName }),
      pressure,
      allocations: openAllocations(() => machine.allocatable),
      turns: openTurns({ clock, startsAtOnce: Math.max(4, 2 * availableParallelism()) }),
      services,
      runtimeClasses: informers.of(runtimeClass),
      nodeName,
      node: () => nodes.get({ name: nodeName }),
      get hostIps() {
        return currentIps;
      },
      dns,
      directory: options.rootDirectory,
      memoryBytes: machine.memoryBytes,
      allocatable: () => machine.allocatable,
    },
    {
      pods: podsHere,
      statics,
      answers: (does) => kept.runtimeAnswers(does),
    },
  );
  const collector = collectImages({ runtime, clock, log, directory: info.rootDirectory });
  watched = watchPressure({
    runtime,
    volumes,
    pods,
    clock,
    log,
    directory: options.rootDirectory,
    imageDirectory: info.rootDirectory,
    settings: options.pressure ?? {},
    reclaimImages: () => collector.collect(),
    changed: () => kept.pressureChanged(),
  });
  const stirring = podsHere.onChange(() => watched?.stir());
  return {
    registered: kept.registered,
    pods,
    machine,
    name: nodeName,
    dns,
    probeCounts,
    volumeUsage: (of, which) => volumes.usage(of, which),
    moveTo(ips) {
      if (ips.join() === currentIps.join()) return;
      log.info("the node has another address", { before: currentIps.join(), now: ips.join() });
      currentIps = ips;
      if (externalCloud) kept.labelsChanged();
      kept.addressesChanged();
    },
    takeUp(now) {
      said = now;
      kept.labelsChanged();
      kept.addressesChanged();
    },
    misses(obstacles) {
      kept.podNetworkMisses(obstacles.join("; "));
      const node: ObjectReference = { apiVersion: "v1", kind: "Node", name: nodeName, uid: kept.uid ?? nodeName };
      for (const obstacle of obstacles) events.record(node, "Warning", "PodNetworkBlocked", obstacle);
      if (obstacles.length === 0) events.record(node, "Normal", "PodNetworkOpen", "pods' packets arrive again");
    },
    async shutDown(grace) {
      await kept
        .goesDown()
        .catch((error: unknown) => log.warn("the API does not know that this node goes down", { error }));
      await pods.shutDown(grace);
    },
    async [Symbol.asyncDispose]() {
      statics[Symbol.dispose]();
      stirring[Symbol.dispose]();
      watched?.[Symbol.dispose]();
      collector[Symbol.dispose]();
      await pods[Symbol.asyncDispose]();
      objects[Symbol.dispose]();
      drivers[Symbol.dispose]();
      await kept[Symbol.asyncDispose]();
    },
  };
}
