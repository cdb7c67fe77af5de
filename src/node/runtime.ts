import type { Duplex, Readable } from "node:stream";

export type SandboxId = string;
export type ContainerId = string;

/**
 * Runs the containers of pods, in the words of the Container Runtime Interface. Nothing outside node/docker/ knows which
 * runtime it is. Every call may be repeated. Errors are plain ones with the runtime's message unless said.
 */
export interface ContainerRuntime extends AsyncDisposable {
  /** Name and version ("docker", "20.10.24"), cgroup version and driver, limits that the kernel cannot enforce. */
  info(): Promise<RuntimeInfo>;

  /** Makes what holds the pod's namespaces and starts it. Called again for the same pod UID and attempt it returns the one that is there. */
  runPodSandbox(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox>;
  /** Stops the sandbox and every container in it, at once. */
  stopPodSandbox(id: SandboxId): Promise<void>;
  /** Removes the sandbox and its containers. */
  removePodSandbox(id: SandboxId): Promise<void>;

  /** @throws {SandboxGone} when the sandbox no longer exists */
  createContainer(sandbox: SandboxId, spec: ContainerSpec, signal: AbortSignal): Promise<ContainerId>;
  startContainer(id: ContainerId): Promise<void>;
  /** Sends the stop signal, waits `graceSeconds`, then kills. Resolves when it has ended. */
  stopContainer(id: ContainerId, graceSeconds: number): Promise<void>;
  removeContainer(id: ContainerId): Promise<void>;
  /** All sandboxes and containers that skiff made, or those of one pod, with their state. */
  list(podUid?: string): Promise<Listing>;
  /** Changes limits of a running container. */
  updateContainer(id: ContainerId, resources: ContainerResources): Promise<void>;

  /** What a container has written beside its volumes; 0 when it is gone. */
  writtenBytes(id: ContainerId): Promise<number>;

  /** What happened to sandboxes and containers, as it happens. Never polls. Reconnects by itself, then says "resync". */
  events(signal: AbortSignal): AsyncIterable<RuntimeEvent>;

  /** Runs a command in a container. */
  exec(id: ContainerId, options: ExecOptions, signal: AbortSignal): Promise<ExecSession>;
  /** Connects to the container's first process. */
  attach(id: ContainerId, options: StreamOptions, signal: AbortSignal): Promise<ExecSession>;
  /** Connects to a TCP port inside the sandbox. */
  portForward(sandbox: SandboxId, port: number, signal: AbortSignal): Promise<Duplex>;
  /** The container's output as written. Ends with the container when following. */
  logs(id: ContainerId, options: LogOptions, signal: AbortSignal): Promise<Readable>;

  /** @throws {ImagePullError} */
  pullImage(image: string, credentials: RegistryCredentials | undefined, signal: AbortSignal): Promise<ImageId>;
  /** Undefined when it is not there. */
  imageStatus(image: string): Promise<Image | undefined>;
  listImages(): Promise<readonly Image[]>;
  removeImage(image: string): Promise<void>;
  /** Puts the files of an image, which is there, into an empty directory. */
  unpackImage(image: string, directory: string, signal: AbortSignal): Promise<void>;
  /** Loads an archive in Docker's format. */
  loadImage(archive: Readable): Promise<void>;
}

export interface Listing {
  /** Newest attempt first. */
  readonly sandboxes: readonly Sandbox[];
  /** Newest first. */
  readonly containers: readonly Container[];
}

export interface RuntimeInfo {
  readonly name: string;
  readonly version: string;
  readonly cgroupVersion: 1 | 2;
  readonly cgroupDriver: "cgroupfs" | "systemd";
  /** Where the runtime keeps images, for disk statistics. */
  readonly rootDirectory: string;
  /** How it stores them: "overlay2". */
  readonly storageDriver: string;
}

export interface SandboxSpec {
  readonly podUid: string;
  readonly namespace: string;
  readonly name: string;
  readonly attempt: number;
  readonly hostname: string;
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
  readonly hostIpc: boolean;
  readonly cgroupParent: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly sysctls: Readonly<Record<string, string>>;
  /** Which of the machine's runtimes; "": the usual one. */
  readonly runtimeHandler: string;
}

export interface Sandbox {
  readonly id: SandboxId;
  readonly podUid: string;
  readonly namespace: string;
  readonly name: string;
  readonly attempt: number;
  readonly state: "ready" | "notReady";
  /** 0 when it does not run. */
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
}

export interface ContainerSpec {
  readonly podUid: string;
  /** That of its sandbox. */
  readonly runtimeHandler: string;
  readonly podNamespace: string;
  readonly podName: string;
  readonly name: string;
  /** How many containers of this name the pod has had before. */
  readonly attempt: number;
  readonly image: string;
  /** Replaces the image's entrypoint; empty: the image's. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string | undefined;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  readonly devices: readonly Device[];
  readonly resources: ContainerResources;
  readonly cgroupParent: string;
  /** Its own, the pod's, the machine's, or that of another container. */
  readonly pidNamespace: "container" | "pod" | "host" | { readonly of: ContainerId };
  readonly ipcNamespace: "pod" | "host";
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly security: ContainerSecurity;
  /** Kept with the container and given back in `Container.annotations`. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly stopSignal: string | undefined;
}

export interface Mount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
  readonly propagation: "None" | "HostToContainer" | "Bidirectional";
}

/** A device of the machine that a container may use. */
export interface Device {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
}

export interface ContainerResources {
  /** 0 or absent: no limit. */
  readonly memoryLimitBytes?: number;
  readonly cpuShares?: number;
  readonly cpuQuotaUs?: number;
  readonly cpuPeriodUs?: number;
  readonly oomScoreAdj?: number;
}

export interface ContainerSecurity {
  readonly privileged: boolean;
  readonly user: string | undefined;
  readonly groups: readonly string[];
  readonly readOnlyRootfs: boolean;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  /** "unconfined", "runtime/default", or a profile's JSON. */
  readonly seccomp: string;
  readonly apparmor: string | undefined;
  readonly maskedPaths: boolean;
}

export interface Container {
  readonly id: ContainerId;
  readonly sandboxId: SandboxId;
  readonly podUid: string;
  readonly podNamespace: string;
  readonly podName: string;
  readonly name: string;
  readonly attempt: number;
  readonly image: string;
  readonly imageId: ImageId;
  readonly state: "created" | "running" | "exited";
  readonly pid: number;
  readonly createdAtMs: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** The limits that it has now; `oomScoreAdj` is not among them. */
  readonly resources: ContainerResources;
  /** The runtime's words on why it did not start. */
  readonly error: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export type RuntimeEvent =
  | {
      readonly type: "started" | "exited" | "removed" | "oom";
      readonly id: ContainerId;
      readonly podUid: string;
      readonly container: string | undefined;
    }
  /** Events may have been missed: look at everything again. */
  | { readonly type: "resync" }
  /** The runtime does not answer; "resync" follows when it does again. */
  | { readonly type: "lost" };

export interface StreamOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface ExecOptions extends StreamOptions {
  readonly command: readonly string[];
}

/** A running command's ends. Streams that were not asked for are absent. With a TTY all output is stdout. */
export interface ExecSession {
  readonly stdin?: NodeJS.WritableStream | undefined;
  readonly stdout?: Readable | undefined;
  readonly stderr?: Readable | undefined;
  resize(columns: number, rows: number): Promise<void>;
  /** Resolves with the exit code; for attach, when the connection ends. */
  readonly exited: Promise<number>;
}

export interface LogOptions {
  readonly follow: boolean;
  readonly tailLines?: number | undefined;
  readonly sinceMs?: number | undefined;
  /** Puts the RFC 3339 time with nanoseconds in front of each line. */
  readonly timestamps: boolean;
  readonly stream: "all" | "stdout" | "stderr";
}

export type ImageId = string;

export interface Image {
  readonly id: ImageId;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  /** The user that the image names; "" for root. */
  readonly user: string;
}

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
  readonly serverAddress: string;
}

/** The sandbox that a container was to be made in no longer exists. */
export class SandboxGone extends Error {
  override readonly name = "SandboxGone";
}

/** An image could not be pulled; the message is the runtime's. */
export class ImagePullError extends Error {
  override readonly name = "ImagePullError";
}
