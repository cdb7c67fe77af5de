import { once } from "node:events";
import { connect } from "node:net";
import type { Duplex, Readable } from "node:stream";
import type Docker from "dockerode";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { pauseImage } from "../images/builtin.ts";
import {
  type ContainerId,
  type ContainerResources,
  type ContainerRuntime,
  type ContainerSpec,
  type ExecOptions,
  type ExecSession,
  type Image,
  type ImageId,
  type Listing,
  type LogOptions,
  type RegistryCredentials,
  type RuntimeEvent,
  type RuntimeInfo,
  type Sandbox,
  SandboxGone,
  type SandboxId,
  type SandboxSpec,
  type StreamOptions,
} from "../runtime.ts";
import { DockerContainers } from "./containers.ts";
import { containerOptions, type DaemonTraits, resourceOptions, sandboxOptions } from "./create-options.ts";
import { dockerError, isConflict, isNotFound, unlessGone } from "./errors.ts";
import { dockerEvents } from "./events.ts";
import { attachToContainer, execInContainer } from "./exec.ts";
import { imageStatus, listImages, loadImage, pullImage, unpackImage } from "./images.ts";
import { containerLogs } from "./logs.ts";
import type { PortForwarder } from "./port-forward.ts";

export interface DockerParts {
  readonly docker: Docker;
  /** All that lead to Docker; the runtime ends them. */
  readonly connections: Disposable;
  readonly info: RuntimeInfo;
  /** Asks what answers now. */
  readonly greet: () => Promise<RuntimeInfo>;
  readonly forwarder: PortForwarder;
  readonly clock: Clock;
  readonly log: Log;
}

/** ContainerRuntime with Docker Engine. A sandbox is a container of the pause image that holds the pod's namespaces. */
export class DockerRuntime implements ContainerRuntime {
  readonly #docker: Docker;
  readonly #connections: Disposable;
  readonly #greet: () => Promise<RuntimeInfo>;
  readonly #forwarder: PortForwarder;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #closed = new AbortController();
  readonly #containers: DockerContainers;
  #info: RuntimeInfo;
  #traits: DaemonTraits;

  constructor({ docker, connections, info, greet, forwarder, clock, log }: DockerParts) {
    this.#docker = docker;
    this.#containers = new DockerContainers(docker);
    this.#connections = connections;
    this.#info = info;
    this.#greet = greet;
    this.#forwarder = forwarder;
    this.#clock = clock;
    this.#log = log;
    this.#traits = { cgroupDriver: info.cgroupDriver, negativeOomScores: true };
  }

  async info(): Promise<RuntimeInfo> {
    return this.#info;
  }

  async runPodSandbox(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    signal.throwIfAborted();
    const id = await this.#create(sandboxOptions(spec, { image: pauseImage, traits: this.#traits }), {
      podUid: spec.podUid,
      reuse: (info) => info.State.Status !== "exited",
    });
    try {
      await this.#start(id);
    } catch (error) {
      await this.removeContainer(id);
      if (!this.#learnFrom(error)) throw error;
      return this.runPodSandbox(spec, signal);
    }
    const sandbox = (await this.#containers.list(spec.podUid)).sandboxes.find((each) => each.id === id);
    if (!sandbox) throw new SandboxGone(`sandbox ${id} went as soon as it was made`);
    return sandbox;
  }

  async stopPodSandbox(id: SandboxId): Promise<void> {
    const running = (await this.#containers.within(id)).filter(({ state }) => state === "running");
    await Promise.all([...running.map((each) => each.id), id].map((each) => this.#kill(each)));
  }

  async removePodSandbox(id: SandboxId): Promise<void> {
    const members = (await this.#containers.within(id)).map((each) => each.id);
    for (const each of [...members, id]) await this.removeContainer(each);
  }

  list(podUid?: string): Promise<Listing> {
    return this.#containers.list(podUid);
  }

  async createContainer(sandbox: SandboxId, spec: ContainerSpec, signal: AbortSignal): Promise<ContainerId> {
    signal.throwIfAborted();
    const options = containerOptions(sandbox, spec, this.#traits);
    try {
      return await this.#create(options, { podUid: spec.podUid, reuse: (info) => info.State.Running });
    } catch (error) {
      if (!(await this.#containers.inspect(sandbox)))
        throw new SandboxGone(`sandbox ${sandbox} is gone`, { cause: error });
      throw error;
    }
  }

  async startContainer(id: ContainerId): Promise<void> {
    try {
      await this.#start(id);
    } catch (error) {
      // The next attempt will be made without what this one failed for.
      this.#learnFrom(error);
      throw error;
    }
  }

  async stopContainer(id: ContainerId, graceSeconds: number): Promise<void> {
    await this.#containers.change(id, () => unlessGone(this.#docker.getContainer(id).stop({ t: graceSeconds })));
  }

  async removeContainer(id: ContainerId): Promise<void> {
    await this.#containers.change(id, () => unlessGone(this.#docker.getContainer(id).remove({ force: true, v: true })));
    this.#containers.removed(id);
  }

  async updateContainer(id: ContainerId, resources: ContainerResources): Promise<void> {
    await this.#containers.change(id, () =>
      this.#docker.getContainer(id).update(resourceOptions(resources)).catch(rethrow),
    );
  }

  async writtenBytes(id: ContainerId): Promise<number> {
    try {
      const measured: object = { size: true }; // dockerode's types do not know it
      const { SizeRw = 0 } = (await this.#docker.getContainer(id).inspect(measured)) as { SizeRw?: number };
      return SizeRw;
    } catch (error) {
      if (isNotFound(error)) return 0;
      throw dockerError(error);
    }
  }

  async *events(signal: AbortSignal): AsyncGenerator<RuntimeEvent> {
    const greet = async () => {
      this.#info = await this.#greet();
      this.#traits = { ...this.#traits, cgroupDriver: this.#info.cgroupDriver };
    };
    const parts = { docker: this.#docker, greet, clock: this.#clock, log: this.#log };
    try {
      for await (const event of dockerEvents(parts, AbortSignal.any([signal, this.#closed.signal]))) {
        this.#containers.heard(event);
        yield event;
      }
    } finally {
      this.#containers.deaf();
    }
  }

  exec(id: ContainerId, options: ExecOptions, signal: AbortSignal): Promise<ExecSession> {
    return execInContainer(this.#docker, id, options, signal);
  }

  attach(id: ContainerId, options: StreamOptions, signal: AbortSignal): Promise<ExecSession> {
    return attachToContainer(this.#docker, id, options, signal);
  }

  async portForward(sandbox: SandboxId, port: number, signal: AbortSignal): Promise<Duplex> {
    const info = await this.#containers.inspect(sandbox);
    if (!info?.State.Running) throw new SandboxGone(`sandbox ${sandbox} does not run`);
    if (info.HostConfig.NetworkMode === "host") return connected(port, signal);
    return this.#forwarder.connect(info.State.Pid, port, signal);
  }

  logs(id: ContainerId, options: LogOptions, signal: AbortSignal): Promise<Readable> {
    return containerLogs(this.#docker, id, options, signal);
  }

  pullImage(image: string, credentials: RegistryCredentials | undefined, signal: AbortSignal): Promise<ImageId> {
    return pullImage(this.#docker, image, credentials, signal);
  }

  imageStatus(image: string): Promise<Image | undefined> {
    return imageStatus(this.#docker, image);
  }

  listImages(): Promise<readonly Image[]> {
    return listImages(this.#docker).catch(rethrow);
  }

  async removeImage(image: string): Promise<void> {
    await unlessGone(this.#docker.getImage(image).remove());
  }

  unpackImage(image: string, directory: string, signal: AbortSignal): Promise<void> {
    return unpackImage(this.#docker, { image, directory }, signal);
  }

  loadImage(archive: Readable): Promise<void> {
    return loadImage(this.#docker, archive);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#connections[Symbol.dispose]();
  }

  /** Creates a container; where one of its name is there already, it is kept if `reuse` says so, and else replaced. */
  async #create(
    options: Docker.ContainerCreateOptions,
    { podUid, reuse }: { podUid: string; reuse: (info: Docker.ContainerInspectInfo) => boolean },
  ): Promise<ContainerId> {
    const create = async () => {
      const { id } = await this.#docker.createContainer(options);
      this.#containers.created(id, podUid);
      return id;
    };
    try {
      return await create();
    } catch (error) {
      const there = isConflict(error) && options.name ? await this.#containers.inspect(options.name) : undefined;
      if (!there) throw dockerError(error);
      this.#containers.created(there.Id, podUid);
      if (reuse(there)) return there.Id;
      await this.removeContainer(there.Id);
      return await create().catch(rethrow);
    }
  }

  async #start(id: ContainerId): Promise<void> {
    // 304: it runs already.
    await this.#containers.change(id, async () => {
      await this.#docker
        .getContainer(id)
        .start()
        .catch((error: { statusCode?: number }) => {
          if (error.statusCode !== 304) throw dockerError(error);
        });
    });
  }

  #kill(id: ContainerId): Promise<void> {
    return this.#containers.change(id, () => unlessGone(this.#docker.getContainer(id).kill()));
  }

  /** Notes from a failed start what this machine cannot do. Returns whether something was learnt. */
  #learnFrom(error: unknown): boolean {
    const oomScore = /oom_score_adj|can't get final child's PID from pipe/.test(String(error));
    if (!oomScore || !this.#traits.negativeOomScores) return false;
    this.#log.info("this machine allows no negative OOM scores; pods run without them");
    this.#traits = { ...this.#traits, negativeOomScores: false };
    return true;
  }
}

function rethrow(error: unknown): never {
  throw dockerError(error);
}

/** A connection to a port of the machine itself; it ends with the signal. */
async function connected(port: number, signal: AbortSignal): Promise<Duplex> {
  const socket = connect({ host: "localhost", port, allowHalfOpen: true, signal });
  await once(socket, "connect");
  return socket;
}
