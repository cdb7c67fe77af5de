import { isDeepStrictEqual } from "node:util";
import { node as nodeKind } from "../../api/kinds/core/node.ts";
import type { ObjectMeta } from "../../api/object.ts";
import type { Node, NodeAddress, NodeStatus, Taint } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { Backoff } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import type { Client } from "../../client/client.ts";
import type { ContainerRuntime, Image } from "../runtime.ts";
import { architecture, type Machine, runtimeVersion } from "./machine.ts";
import { conditionsOf, withoutHeartbeats } from "./node-conditions.ts";
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

export interface NodeParts {
  readonly client: Client;
  readonly clock: Clock;
  readonly runtime: ContainerRuntime;
  readonly machine: Machine;
  readonly identity: NodeIdentity;
  /** What of the machine runs out. */
  readonly pressure: () => ReadonlySet<string>;
  /** The volumes that are mounted here and must stay attached. */
  readonly volumesInUse: () => readonly string[];
}

const mostImages = 50;

/** Writes the Node object of this machine. */
export class NodeWriter {
  runtimeIsDown = false;
  goesDown = false;
  missing = "";
  readonly #parts: NodeParts;
  readonly #stop: AbortSignal;
  #node: Node | undefined;

  get uid(): string | undefined {
    return this.#node?.metadata.uid;
  }

  constructor(parts: NodeParts, stop: AbortSignal) {
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
