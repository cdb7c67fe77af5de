import type Docker from "dockerode";
import type { Container, ContainerId, Listing, RuntimeEvent, Sandbox, SandboxId } from "../runtime.ts";
import { dockerError, isNotFound } from "./errors.ts";
import { label } from "./labels.ts";
import { containerFrom, sandboxFrom } from "./state.ts";

type Seen = { readonly sandbox: Sandbox } | { readonly container: Container };

/**
 * The sandboxes and containers that Docker holds. What was seen of one is remembered until an event says that something
 * happened to it, or skiff did something to it itself: a pod to which nothing happens costs Docker nothing when it is looked
 * at. While no events come in, nothing is remembered.
 */
export class DockerContainers {
  readonly #docker: Docker;
  readonly #seen = new Map<ContainerId, Promise<Seen | undefined>>();
  /** By pod: the ids of all that it has. */
  readonly #ofPod = new Map<string, Set<ContainerId>>();
  #eventsComeIn = false;
  /** Counts what came and went: an answer of Docker's that may be older than the last of these is not remembered. */
  #turns = 0;

  constructor(docker: Docker) {
    this.#docker = docker;
  }

  async list(podUid?: string): Promise<Listing> {
    const ids = (podUid !== undefined && this.#ofPod.get(podUid)) || (await this.#ask(podUid));
    const seen = (await Promise.all([...ids].map((id) => this.#look(id)))).filter((each) => each !== undefined);
    return {
      sandboxes: seen.flatMap((each) => ("sandbox" in each ? each.sandbox : [])).sort((a, b) => b.attempt - a.attempt),
      containers: seen
        .flatMap((each) => ("container" in each ? each.container : []))
        .sort((a, b) => b.attempt - a.attempt || b.createdAtMs - a.createdAtMs),
    };
  }

  /** The containers in a sandbox; none when the sandbox is gone. */
  async within(sandbox: SandboxId): Promise<readonly Container[]> {
    const seen = await this.#look(sandbox);
    if (!seen || !("sandbox" in seen)) return [];
    const { containers } = await this.list(seen.sandbox.podUid);
    return containers.filter(({ sandboxId }) => sandboxId === sandbox);
  }

  /** The container as Docker has it now; undefined when there is none of this id or name. */
  async inspect(id: string): Promise<Docker.ContainerInspectInfo | undefined> {
    try {
      return await this.#docker.getContainer(id).inspect();
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw dockerError(error);
    }
  }

  created(id: ContainerId, podUid: string): void {
    this.#turns++;
    this.#ofPod.get(podUid)?.add(id);
  }

  /** Does something to a container and forgets what was seen of it. */
  async change<T>(id: ContainerId, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      this.#seen.delete(id);
    }
  }

  removed(id: ContainerId): void {
    this.#turns++;
    this.#seen.delete(id);
    for (const [podUid, ids] of this.#ofPod) if (ids.delete(id) && ids.size === 0) this.#ofPod.delete(podUid);
  }

  /** To be called for every event before anybody else hears of it. */
  heard(event: RuntimeEvent): void {
    if (event.type === "resync" || event.type === "lost") {
      this.#turns++;
      this.#seen.clear();
      this.#ofPod.clear();
      this.#eventsComeIn = event.type === "resync";
    } else if (event.type === "removed") this.removed(event.id);
    else {
      this.created(event.id, event.podUid);
      this.#seen.delete(event.id);
    }
  }

  /** No more events will be heard. */
  deaf(): void {
    this.heard({ type: "lost" });
  }

  async #ask(podUid?: string): Promise<Iterable<ContainerId>> {
    const filters = { label: [`${label.managed}=true`, ...(podUid ? [`${label.podUid}=${podUid}`] : [])] };
    const turn = this.#turns;
    const found = await this.#docker.listContainers({ all: true, filters }).catch((error: unknown) => {
      throw dockerError(error);
    });
    const ids = new Set(found.map(({ Id }) => Id));
    const isSure = this.#eventsComeIn && turn === this.#turns;
    if (isSure && podUid !== undefined && ids.size > 0) this.#ofPod.set(podUid, ids);
    return ids;
  }

  #look(id: ContainerId): Promise<Seen | undefined> {
    const known = this.#seen.get(id);
    if (known) return known;
    const looking = this.inspect(id).then((info) => {
      if (!info) this.removed(id);
      return info && seenFrom(info);
    });
    if (!this.#eventsComeIn) return looking;
    this.#seen.set(id, looking);
    looking.catch(() => this.#seen.delete(id));
    return looking;
  }
}

function seenFrom(info: Docker.ContainerInspectInfo): Seen {
  const isSandbox = info.Config.Labels[label.type] === "podsandbox";
  return isSandbox ? { sandbox: sandboxFrom(info) } : { container: containerFrom(info) };
}
