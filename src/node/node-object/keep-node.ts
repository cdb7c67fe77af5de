import { isDeepStrictEqual } from "node:util";
import { node as nodeKind } from "../../api/kinds/core/node.ts";
import type { ObjectMeta } from "../../api/object.ts";
import type { Node, NodeAddress, NodeCondition, NodeStatus, Taint } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { timeText } from "../../api/time.ts";
import { Backoff } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Client } from "../../client/client.ts";
import type { Informer } from "../../client/informer.ts";
import type { ContainerRuntime, Image } from "../runtime.ts";
import { architecture, type Machine, runtimeVersion } from "./machine.ts";
import { NodeLease } from "./node-lease.ts";
import { relabelled } from "./told-labels.ts";

export interface NodeIdentity {
  readonly name: string;
  /** Asked each time: a device may get other ones. */
  addresses(): readonly NodeAddress[];
  /** What the user gave; asked each time. */
  labels(): Readonly<Record<string, string>>;
  /** Asked each time; those without a value are taken away. */
  annotations(): Readonly<Record<string, string | undefined>>;
  readonly taints: readonly Taint[];
  /** What a cloud calls this machine. */
  readonly providerId?: string | undefined;
  /** Whether somebody outside says where the machine is reached, once it has said so. */
  readonly externalCloud: boolean;
}

/** The Node object and the Lease of this machine, kept in the API until disposed of. */
export interface KeptNode extends AsyncDisposable {
  /** Resolves when the Node is registered and its status says Ready. */
  readonly registered: Promise<void>;
  /** Whether the container runtime answers. A node whose runtime is silent for long is not ready. */
  runtimeAnswers(does: boolean): void;
  /** Says that the node goes down: nothing is to be scheduled to it any more. */
  goesDown(): Promise<void>;
  /** Its uid, once it is registered. */
  readonly uid: string | undefined;
  /** Writes the status: what is left on this machine has become another. */
  pressureChanged(): void;
  /** Other volumes are mounted that are attached to this node. */
  volumesChanged(): void;
  /** The machine has other addresses. */
  addressesChanged(): void;
  /** The user gives other labels. */
  labelsChanged(): void;
  /** Says which packets of its pods do not arrive, in a condition of its own; with "" it goes. */
  podNetworkMisses(what: string): void;
}

interface Parts {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly runtime: ContainerRuntime;
  readonly machine: Machine;
  readonly identity: NodeIdentity;
  /** What of the machine runs out. */
  readonly pressure: () => ReadonlySet<string>;
  /** The volumes that are mounted here and must stay attached. */
  readonly volumesInUse: () => readonly string[];
  /** The Nodes as the API shows them. */
  readonly nodes: Informer<Node>;
}

const renewMs = 10_000;
/** How often the status is looked at. It is written when it changed: the Lease says that the node lives. */
const statusMs = 5 * 60 * 1000;
/** A runtime that is restarted is away for a moment; kubelet waits as long. */
const runtimeSilenceMs = 30_000;
const mostImages = 50;

export function keepNode(parts: Parts): KeptNode {
  const { clock, log } = parts;
  const stop = new AbortController();
  const { promise: registered, resolve } = Promise.withResolvers<void>();
  const node = new NodeWriter(parts, stop.signal);
  const lease = new NodeLease({ ...parts, name: parts.identity.name });
  const renewLease = () => lease.renew(stop.signal);
  const timers = new Set<Disposable>();

  function repeat(everyMs: number, work: () => Promise<void>, sentence: string): void {
    const timer = clock.after(everyMs, () => {
      timers.delete(timer);
      void work()
        .catch((error: unknown) => log.warn(sentence, { error }))
        .finally(() => {
          if (!stop.signal.aborted) repeat(everyMs, work, sentence);
        });
    });
    timers.add(timer);
  }

  let isGone = false;
  /** Somebody deleted the Node: as kubelet does, this machine registers again when it starts anew, and not by itself. */
  async function whileThere(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      isGone = false;
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      if (!isGone) log.warn("this node was deleted from the cluster: restart skiff here to register it again");
      isGone = true;
    }
  }

  async function begin(): Promise<void> {
    const backoff = new Backoff({ firstMs: 200, maxMs: 7_000 }, clock);
    for (let told = false; !stop.signal.aborted; told = true) {
      try {
        await node.register();
        await renewLease();
        return resolve();
      } catch (error) {
        if (!told) log.warn("the node could not be registered yet", { node: parts.identity.name, error });
        await backoff.wait(stop.signal);
      }
    }
  }

  const beginning = begin().then(() => {
    if (stop.signal.aborted) return;
    repeat(renewMs, () => whileThere(renewLease), "the node's lease was not renewed");
    repeat(statusMs, () => whileThere(() => node.writeStatus()), "the node's status was not written");
  });
  // While this machine could not be heard, the node controller gave it up: as soon as that is seen, it is denied.
  const watching = parts.nodes.onChange(({ key, after }) => {
    if (key.name !== parts.identity.name || !after) return;
    if (isGivenUp(after) || hasUntaken(after, parts.machine)) write("status");
  });
  let silence: Disposable | undefined;
  function tell(answers: boolean): void {
    node.runtimeIsDown = !answers;
    write("status");
  }
  let writing: Promise<void> | undefined;
  const stale = new Set<"labels" | "status">();
  /** Writes what changed, again and again until a server has taken it. */
  function write(what: "labels" | "status"): void {
    stale.add(what);
    writing ??= writeUntilTaken().finally(() => {
      writing = undefined;
    });
  }
  async function writeUntilTaken(): Promise<void> {
    await beginning;
    const backoff = new Backoff({ firstMs: 500, maxMs: 10_000 }, clock);
    for (const what of untilEmpty(stale)) {
      if (stop.signal.aborted) return;
      try {
        await whileThere(() => (what === "labels" ? node.writeLabels() : node.writeStatus()));
      } catch (error) {
        log.warn("the node was not written, trying again", { what, error });
        stale.add(what);
        await backoff.wait(stop.signal);
      }
    }
  }
  return {
    registered,
    get uid() {
      return node.uid;
    },
    runtimeAnswers(does) {
      const wasSilent = silence !== undefined;
      silence?.[Symbol.dispose]();
      silence = does ? undefined : clock.after(runtimeSilenceMs, () => tell(false));
      // What answers now may be another version.
      if (does && wasSilent) tell(true);
    },
    async goesDown() {
      node.goesDown = true;
      await node.writeStatus();
    },
    pressureChanged: () => write("status"),
    volumesChanged: () => write("status"),
    addressesChanged: () => write("status"),
    labelsChanged: () => write("labels"),
    podNetworkMisses(what) {
      node.missing = what;
      write("status");
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      watching[Symbol.dispose]();
      silence?.[Symbol.dispose]();
      for (const timer of timers) timer[Symbol.dispose]();
      await beginning;
      await writing;
    },
  };
}

/** Takes what is in the set, one after the other, also what comes meanwhile. */
function* untilEmpty<T>(set: Set<T>): Generator<T> {
  for (let [next] = set; next !== undefined; [next] = set) {
    set.delete(next);
    yield next;
  }
}

/** Whether somebody advertises a resource of this node that pods are not given yet (Kubernetes docs, "Advertise Extended Resources for a Node"). */
function hasUntaken({ status: { capacity = {}, allocatable = {} } = {} }: Node, machine: Machine): boolean {
  const names = new Set([...Object.keys(capacity), ...Object.keys(allocatable)]);
  return [...names].some((name) => machine.capacity[name] === undefined && capacity[name] !== allocatable[name]);
}

/** Whether somebody else says that nothing is known of this node. */
function isGivenUp({ status }: Node): boolean {
  return (status?.conditions ?? []).some(
    ({ type, status: value }) => value === "Unknown" && healthy.some(([own]) => own === type),
  );
}

class NodeWriter {
  runtimeIsDown = false;
  goesDown = false;
  missing = "";
  readonly #parts: Parts;
  readonly #stop: AbortSignal;
  #node: Node | undefined;

  get uid(): string | undefined {
    return this.#node?.metadata.uid;
  }

  constructor(parts: Parts, stop: AbortSignal) {
    this.#parts = parts;
    this.#stop = stop;
  }

  /** Creates the Node, or takes over the one that is there; then writes its status. */
  async register(): Promise<void> {
    const { client, identity } = this.#parts;
    const { name, taints, providerId } = identity;
    const annotations = { "volumes.kubernetes.io/controller-managed-attach-detach": "true" };
    try {
      this.#node = await client.create(nodeKind, {
        metadata: this.#told({ name, annotations }),
        spec: { ...(providerId && { providerID: providerId }), ...(taints.length > 0 && { taints: [...taints] }) },
      });
    } catch (error) {
      if (!isReason(error, "AlreadyExists")) throw error;
      await this.writeLabels();
    }
    await this.writeStatus();
  }

  /** The Node that is there, with the labels that this node gives itself. */
  async writeLabels(): Promise<void> {
    const { client } = this.#parts;
    await this.#changeNode(async (there) => {
      const metadata = this.#told(there.metadata);
      return isDeepStrictEqual(metadata, there.metadata) ? there : client.update(nodeKind, { ...there, metadata });
    });
  }

  #told(metadata: ObjectMeta): ObjectMeta {
    const { identity } = this.#parts;
    const own = {
      "beta.kubernetes.io/arch": architecture(),
      "beta.kubernetes.io/os": "linux",
      "kubernetes.io/arch": architecture(),
      "kubernetes.io/hostname": identity.name,
      "kubernetes.io/os": "linux",
    };
    const told = relabelled(metadata, own, identity.labels());
    const all = Object.entries({ ...told.annotations, ...identity.annotations() });
    return {
      ...told,
      annotations: Object.fromEntries(all.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))),
    };
  }

  async writeStatus(): Promise<void> {
    const { client, runtime, machine } = this.#parts;
    const images = this.runtimeIsDown ? undefined : imagesOf(await runtime.listImages());
    const nodeInfo = { ...machine.info, containerRuntimeVersion: runtimeVersion(await runtime.info()) };
    await this.#changeNode(async (node) => {
      const status = this.#status(node.status ?? {}, { nodeInfo, ...(images && { images }) });
      if (isDeepStrictEqual(withoutHeartbeats(status), withoutHeartbeats(node.status ?? {}))) return node;
      return client.updateStatus(nodeKind, { ...node, status });
    });
  }

  /** At the start others write to the Node at the same time; what is to be said is gathered before it is read. */
  async #changeNode(change: (there: Node) => Promise<Node>): Promise<void> {
    const { client, identity } = this.#parts;
    const backoff = this.#backoff();
    while (!this.#stop.aborted) {
      const there = await client.get(nodeKind, { name: identity.name });
      try {
        this.#node = await change(there);
        return;
      } catch (error) {
        if (!isReason(error, "Conflict")) throw error;
        await backoff.wait(this.#stop);
      }
    }
  }

  /** A write of somebody else's that is on its way to disk refuses ours until it has arrived. */
  #backoff(): Backoff {
    return new Backoff({ firstMs: 5, maxMs: 1_000, jitter: 1 }, this.#parts.clock);
  }

  #status(old: NodeStatus, found: Pick<NodeStatus, "nodeInfo" | "images">): NodeStatus {
    const { machine, identity, clock, pressure } = this.#parts;
    const volumesInUse = this.#parts.volumesInUse().toSorted();
    const { volumesInUse: _, ...others } = old;
    return {
      ...others,
      ...(volumesInUse.length > 0 && { volumesInUse }),
      addresses: identity.externalCloud && old.addresses?.length ? old.addresses : [...identity.addresses()],
      capacity: { ...old.capacity, ...machine.capacity },
      // What somebody says that the machine has besides is there for pods, all of it.
      allocatable: { ...old.capacity, ...machine.allocatable },
      conditions: conditionsOf(old.conditions ?? [], {
        nowMs: clock.now(),
        trouble: this.#trouble(),
        pressure: pressure(),
        missing: this.missing,
      }),
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      ...found,
    };
  }

  /** Why the node is not ready, in kubelet's words. */
  #trouble(): string | undefined {
    if (this.goesDown) return "node is shutting down";
    return this.runtimeIsDown ? "container runtime is down" : undefined;
  }
}

/** The largest images, as the scheduler wants to know them. */
function imagesOf(images: readonly Image[]): NonNullable<NodeStatus["images"]> {
  return images
    .filter(({ tags, digests }) => tags.length + digests.length > 0)
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, mostImages)
    .map(({ tags, digests, sizeBytes }) => ({ names: [...digests, ...tags], sizeBytes }));
}

/** There only while packets between its pods and those of other nodes do not arrive; the network's part reads it too. */
const blockedCondition = "PodNetworkBlocked";

type ConditionText = readonly [type: string, status: string, reason: string, message: string];

const healthy: readonly ConditionText[] = [
  ["MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
  ["DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
  ["PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
  ["Ready", "True", "KubeletReady", "kubelet is posting ready status"],
];

const short: typeof healthy = [
  ["MemoryPressure", "True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"],
  ["DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure"],
  ["PIDPressure", "True", "KubeletHasInsufficientPID", "kubelet has insufficient PID available"],
];

function conditionsOf(
  old: readonly NodeCondition[],
  {
    nowMs,
    trouble,
    pressure,
    missing,
  }: {
    nowMs: number;
    trouble: string | undefined;
    pressure: ReadonlySet<string>;
    missing: string;
  },
): NodeCondition[] {
  const notReady: ConditionText = ["Ready", "False", "KubeletNotReady", trouble ?? ""];
  const all = healthy.map((each) => {
    if (each[0] === "Ready") return trouble !== undefined ? notReady : each;
    return (pressure.has(each[0]) && short.find(([type]) => type === each[0])) || each;
  });
  const blocked: ConditionText = [blockedCondition, "True", "PacketsDoNotArrive", missing];
  const own = [...all, ...(missing ? [blocked] : [])].map(([type, status, reason, message]): NodeCondition => {
    const before = old.find((condition) => condition.type === type);
    const same = before?.status === status && before.lastTransitionTime;
    const now = timeText(nowMs);
    return { type, status, lastHeartbeatTime: now, lastTransitionTime: same || now, reason, message };
  });
  const others = old.filter(({ type }) => type !== blockedCondition && !own.some((each) => each.type === type));
  return [...others, ...own];
}

function withoutHeartbeats({ conditions = [], ...rest }: NodeStatus): object {
  return { ...rest, conditions: conditions.map(({ lastHeartbeatTime: _, ...condition }) => condition) };
}
