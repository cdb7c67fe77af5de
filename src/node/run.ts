import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { node as nodeKind } from "../api/kinds/core/node.ts";
import { pod as podKind } from "../api/kinds/core/pod.ts";
import { service } from "../api/kinds/core/service.ts";
import { runtimeClass } from "../api/kinds/node/runtime-class.ts";
import type { ObjectReference, Pod } from "../api/schema/types.ts";
import type { Clock } from "../base/clock.ts";
import { keepWhole, readIfThere } from "../base/files.ts";
import { Lifecycle } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import type { Informer, Informers } from "../client/informer.ts";
import { noRecollection, type Recollection } from "../client/recollection.ts";
import { openAllocations } from "./allocations.ts";
import { openCgroups } from "./cgroups.ts";
import { type EventRecorder, openEventRecorder } from "./event-recorder.ts";
import { collectImages } from "./images/collect-garbage.ts";
import { openPullRecords } from "./images/pull-records.ts";
import { openImagePuller } from "./images/puller.ts";
import { type KeptNode, keepNode } from "./node-object/keep-node.ts";
import { inspectMachine, type Machine } from "./node-object/machine.ts";
import { OwnIdentity, type OwnIdentityOptions, type SaidOfNode } from "./node-object/own-identity.ts";
import type { PodContext } from "./pod/context.ts";
import type { DnsSettings, PodNetwork } from "./pod-network.ts";
import { lookAfterPods, type Pods, type ShutdownGrace } from "./pods.ts";
import { type Pressure, type PressureSettings, watchPressure } from "./pressure/watch-pressure.ts";
import { openProbeCounts, type ProbeCounts } from "./probes/counts.ts";
import type { ContainerRuntime } from "./runtime.ts";
import { openStaticPods } from "./static-pods/directory.ts";
import { openMirrorPods } from "./static-pods/mirror-pods.ts";
import { openStorage, type Storage } from "./storage.ts";
import { openTurns } from "./turns.ts";
import { shareMountsBelow } from "./volumes/share-mounts.ts";
import { openTokens, type ServiceAccountTokens } from "./volumes/tokens.ts";
import type { Volumes } from "./volumes/volumes.ts";

export type { SaidOfNode } from "./node-object/own-identity.ts";

export interface NodeOptions extends OwnIdentityOptions {
  readonly client: Client;
  readonly informers: Informers;
  /** What the API last said, for a start while no server answers; absent beside the server. */
  readonly recollection?: Recollection;
  readonly runtime: ContainerRuntime;
  readonly network: PodNetwork;
  readonly clock: Clock;
  readonly log: Log;
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

/** Registers this machine as a node and runs the pods that are bound to it. What was begun ends when the rest cannot. */
export async function runNode(options: NodeOptions): Promise<RunningNode> {
  const parts = new Lifecycle(options.log);
  try {
    return await startIn(parts, options);
  } catch (error) {
    await parts[Symbol.asyncDispose]();
    throw error;
  }
}

async function startIn(parts: Lifecycle, options: NodeOptions): Promise<RunningNode> {
  const { client, informers, runtime, clock, log, nodeName, rootDirectory } = options;
  const { recollection = noRecollection } = options;
  const { memoryDirectory, driverDirectory } = options;
  for (const directory of [rootDirectory, memoryDirectory]) await mkdir(directory, { recursive: true, mode: 0o750 });
  // For skiff-killall.sh and skiff-uninstall.sh, which have no settings.
  await keepWhole(join(rootDirectory, "kubelet-directory"), driverDirectory);
  await shareMountsBelow([join(rootDirectory, "pods"), driverDirectory], { memoryDirectory, log });
  const { version, maxPods, reserved } = options;
  const info = await runtime.info();
  const machine = await inspectMachine({ directory: rootDirectory, runtime: info, version, maxPods, reserved });
  const nodes = informers.of(nodeKind);
  const events = openEventRecorder({ client, clock, log, nodeName });
  const tokens = openTokens({ client, clock, recollection });
  /** Once they are there: what stands before them tells them of changes. */
  const later: { node?: KeptNode; pressure?: Pressure } = {};
  const storage = await openStorage(parts, {
    ...options,
    recollection,
    events,
    tokens,
    driversChanged: () => later.node?.labelsChanged(),
    volumesChanged: () => later.node?.volumesChanged(),
  });
  const { drivers, csi } = storage;
  const identity = new OwnIdentity(options, drivers);
  const pressure = () => later.pressure?.conditions ?? none;
  const volumesInUse = () => csi.inUse();
  const node = await parts.start("node object", () =>
    keepNode({ client, clock, log, runtime, machine, identity, pressure, volumesInUse, nodes }),
  );
  later.node = node;
  void node.registered.then(() => drivers.announce(node.uid));
  const probeCounts = openProbeCounts();
  const shared = { events, tokens, identity, machine, storage, probeCounts, pressure, node };
  const pods = await startPods(parts, options, shared);
  later.pressure = await startPressure(parts, options, { pods, volumes: storage.volumes, node });
  return new StartedNode({ ...shared, pods, parts, dns: options.dns, log });
}

const none: ReadonlySet<string> = new Set();
const podsOf = ({ informers, nodeName }: NodeOptions): Informer<Pod> =>
  informers.of(podKind, { fieldSelector: `spec.nodeName=${nodeName}` });

/** What the parts of a node share. */
interface Shared {
  readonly events: EventRecorder;
  readonly tokens: ServiceAccountTokens;
  readonly identity: OwnIdentity;
  readonly machine: Machine;
  readonly storage: Storage;
  readonly probeCounts: ProbeCounts;
  readonly pressure: () => ReadonlySet<string>;
  readonly node: KeptNode;
}

async function startPods(parts: Lifecycle, options: NodeOptions, shared: Shared): Promise<Pods> {
  const { client, informers, runtime, network, clock, log, nodeName, dns, rootDirectory } = options;
  const { events, tokens, identity, machine, storage, probeCounts, pressure, node } = shared;
  const { volumes, objects } = storage;
  const statics = await parts.start("static pods", () =>
    openStaticPods({ directory: join(rootDirectory, "pod-manifests"), nodeName, clock, log }),
  );
  const records = await openPullRecords(join(rootDirectory, "pulled-images.json"), log);
  const nodes = informers.of(nodeKind);
  const context: PodContext = {
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
    services: informers.of(service),
    runtimeClasses: informers.of(runtimeClass),
    nodeName,
    node: () => nodes.get({ name: nodeName }),
    get hostIps() {
      return identity.ips;
    },
    dns,
    directory: rootDirectory,
    memoryBytes: machine.memoryBytes,
    appArmor: (await readIfThere("/sys/module/apparmor/parameters/enabled"))?.startsWith("Y") ?? false,
    allocatable: () => machine.allocatable,
  };
  const answers = (does: boolean) => node.runtimeAnswers(does);
  return parts.start("pods", () => lookAfterPods(context, { pods: podsOf(options), statics, answers }));
}

/** Looks after what the machine runs out of: images that nobody uses, disk, memory. */
async function startPressure(
  parts: Lifecycle,
  options: NodeOptions,
  { pods, volumes, node }: { pods: Pods; volumes: Volumes; node: KeptNode },
): Promise<Pressure> {
  const { runtime, clock, log, rootDirectory, pressure: settings = {} } = options;
  const { rootDirectory: imageDirectory } = await runtime.info();
  const collector = await parts.start("unused images", () =>
    collectImages({ runtime, clock, log, directory: imageDirectory }),
  );
  const pressure = await parts.start("pressure", () =>
    watchPressure({
      runtime,
      volumes,
      pods,
      clock,
      log,
      directory: rootDirectory,
      imageDirectory,
      settings,
      reclaimImages: () => collector.collect(),
      changed: () => node.pressureChanged(),
    }),
  );
  await parts.start("stirring", () => podsOf(options).onChange(() => pressure.stir()));
  return pressure;
}

class StartedNode implements RunningNode {
  readonly registered: Promise<void>;
  readonly pods: Pods;
  readonly machine: Machine;
  readonly name: string;
  readonly dns: DnsSettings;
  readonly probeCounts: ProbeCounts;
  readonly volumeUsage: Volumes["usage"];
  readonly #parts: Lifecycle;
  readonly #node: KeptNode;
  readonly #identity: OwnIdentity;
  readonly #events: EventRecorder;
  readonly #log: Log;

  constructor(made: Shared & { pods: Pods; parts: Lifecycle; dns: DnsSettings; log: Log }) {
    const { volumes } = made.storage;
    this.registered = made.node.registered;
    this.pods = made.pods;
    this.machine = made.machine;
    this.name = made.identity.name;
    this.dns = made.dns;
    this.probeCounts = made.probeCounts;
    this.volumeUsage = (of, which) => volumes.usage(of, which);
    this.#parts = made.parts;
    this.#node = made.node;
    this.#identity = made.identity;
    this.#events = made.events;
    this.#log = made.log;
  }

  moveTo(ips: readonly string[]): void {
    const before = this.#identity.ips;
    if (!this.#identity.moveTo(ips)) return;
    this.#log.info("the node has another address", { before: before.join(), now: ips.join() });
    if (this.#identity.externalCloud) this.#node.labelsChanged();
    this.#node.addressesChanged();
  }

  takeUp(said: SaidOfNode): void {
    this.#identity.takeUp(said);
    this.#node.labelsChanged();
    this.#node.addressesChanged();
  }

  misses(obstacles: readonly string[]): void {
    this.#node.podNetworkMisses(obstacles.join("; "));
    const node: ObjectReference = { apiVersion: "v1", kind: "Node", name: this.name, uid: this.#node.uid ?? this.name };
    for (const obstacle of obstacles) this.#events.record(node, "Warning", "PodNetworkBlocked", obstacle);
    if (obstacles.length === 0) this.#events.record(node, "Normal", "PodNetworkOpen", "pods' packets arrive again");
  }

  async shutDown(grace: ShutdownGrace): Promise<void> {
    await this.#node
      .goesDown()
      .catch((error: unknown) => this.#log.warn("the API does not know that this node goes down", { error }));
    await this.pods.shutDown(grace);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts[Symbol.asyncDispose]();
  }
}
