import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { EphemeralContainer, Pod } from "../../api/schema/types.ts";
import { ifAbsent } from "../../base/files.ts";
import type { ContainerSpec, Device, Image, Mount } from "../runtime.ts";
import type { MountedVolume } from "../volumes/volumes.ts";
import { newest, type PodContainer } from "./containers.ts";
import type { PodContext, PodNames } from "./context.ts";
import { ContainerConfigError, environmentOf } from "./environment.ts";
import { expand } from "./expand.ts";
import { containerResources, podCgroup } from "./resources.ts";
import { runtimeHandlerOf } from "./runtime-class.ts";
import { securityOf } from "./security.ts";
import { annotation, specHash } from "./spec-hash.ts";

export interface ContainerInputs {
  readonly context: PodContext;
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly attempt: number;
  readonly image: Image;
  readonly mounted: ReadonlyMap<string, MountedVolume>;
  readonly names: PodNames;
}

/** What the runtime is asked for. @throws {ContainerConfigError} when the spec cannot be met */
export async function containerSpecOf(inputs: ContainerInputs): Promise<ContainerSpec> {
  const { context, pod, container, attempt, image } = inputs;
  const { spec } = container;
  const namespace = pod.metadata.namespace ?? "";
  const services = [
    ...context.services.list(namespace),
    ...(namespace === "default" ? [] : context.services.list("default")),
  ];
  const env = await environmentOf({
    ...inputs.names,
    pod,
    container: spec,
    objects: context.objects,
    services,
    allocatable: context.allocatable(),
    volumes: inputs.mounted,
  });
  const expanded = (text: string) => expand(text, (name) => env.get(name));
  return {
    podUid: pod.metadata.uid ?? "",
    runtimeHandler: await runtimeHandlerOf(context, pod),
    podNamespace: namespace,
    podName: pod.metadata.name,
    name: spec.name,
    attempt,
    image: spec.image ?? "",
    command: (spec.command ?? []).map(expanded),
    args: (spec.args ?? []).map(expanded),
    workingDir: spec.workingDir,
    env: [...env].map(([name, value]) => ({ name, value })),
    mounts: await mountsOf(inputs, env),
    devices: devicesOf(inputs),
    resources: containerResources(pod, spec, context.memoryBytes),
    cgroupParent: podCgroup(pod),
    pidNamespace: await pidNamespaceOf(inputs),
    ipcNamespace: pod.spec.hostIPC ? "host" : "pod",
    tty: spec.tty ?? false,
    stdin: spec.stdin ?? false,
    stdinOnce: spec.stdinOnce ?? false,
    security: await securityOf(pod, spec, { image, profiles: join(context.directory, "seccomp") }),
    annotations: {
      [annotation.hash]: specHash(spec),
      [annotation.terminationMessagePath]: terminationPath(inputs),
      [annotation.terminationMessagePolicy]: spec.terminationMessagePolicy ?? "File",
      [annotation.gracePeriod]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
    },
    stopSignal: spec.lifecycle?.stopSignal,
  };
}

/** An ephemeral container that names a target sees the target's processes (Kubernetes docs, "Debug Running Pods"). */
async function pidNamespaceOf({
  context,
  pod,
  container: { spec },
}: ContainerInputs): Promise<ContainerSpec["pidNamespace"]> {
  if (pod.spec.hostPID) return "host";
  if (pod.spec.shareProcessNamespace) return "pod";
  const { targetContainerName: target } = spec as EphemeralContainer;
  if (!target) return "container";
  const running = newest((await context.runtime.list(pod.metadata.uid)).containers, target);
  if (running?.state !== "running") throw new ContainerConfigError(`unable to find target container "${target}"`);
  return { of: running.id };
}

async function mountsOf(inputs: ContainerInputs, env: ReadonlyMap<string, string>): Promise<Mount[]> {
  const { context, container, mounted } = inputs;
  const mounts: Mount[] = [];
  for (const mount of container.spec.volumeMounts ?? []) {
    const { name, mountPath, readOnly, recursiveReadOnly, subPath, subPathExpr, mountPropagation } = mount;
    const volume = mounted.get(name);
    if (!volume)
      throw new ContainerConfigError(`cannot find volume "${name}" to mount into container "${container.spec.name}"`);
    // Docker makes what is mounted below a mount no more read-only than it is.
    if (recursiveReadOnly === "Enabled")
      throw new ContainerConfigError(
        `volume ${JSON.stringify(name)} requested recursive read-only mode, but it is not supported by the runtime`,
      );
    if (volume.isDevice) throw new ContainerConfigError(`volume "${name}" is a block device and cannot be mounted`);
    const below = subPathExpr ? expandedSubPath(subPathExpr, env) : subPath;
    if (below) checkSubPath(below);
    const hostPath = below ? await context.volumes.subPath(volume, below).catch(asConfigError) : volume.hostPath;
    mounts.push({
      hostPath,
      containerPath: mountPath.startsWith("/") ? mountPath : `/${mountPath}`,
      readOnly: (readOnly ?? false) || volume.readOnly,
      propagation: (mountPropagation ?? "None") as Mount["propagation"],
    });
  }
  const plain = { readOnly: false, propagation: "None" } as const;
  const given = new Set(mounts.map(({ containerPath }) => containerPath));
  const own = [
    { ...plain, hostPath: inputs.names.hostsPath, containerPath: "/etc/hosts" },
    { ...plain, hostPath: inputs.names.resolvPath, containerPath: "/etc/resolv.conf" },
    {
      ...plain,
      hostPath: await emptyFile(terminationPath(inputs)),
      containerPath: container.spec.terminationMessagePath ?? "/dev/termination-log",
    },
  ];
  return [...mounts, ...own.filter(({ containerPath }) => !given.has(containerPath))];
}

function devicesOf({ container, mounted }: ContainerInputs): Device[] {
  return (container.spec.volumeDevices ?? []).map(({ name, devicePath }) => {
    const volume = mounted.get(name);
    if (!volume?.isDevice) throw new ContainerConfigError(`volume "${name}" is no block device`);
    return { hostPath: volume.hostPath, containerPath: devicePath, readOnly: volume.readOnly };
  });
}

function expandedSubPath(expression: string, env: ReadonlyMap<string, string>): string {
  return expand(expression, (name) => {
    const value = env.get(name);
    if (value === undefined) throw new ContainerConfigError(`missing value for ${JSON.stringify(name)}`);
    return value;
  });
}

function checkSubPath(path: string): void {
  if (path.startsWith("/")) throw new ContainerConfigError(`error SubPath \`${path}\` must not be an absolute path`);
  if (path.split("/").includes(".."))
    throw new ContainerConfigError(`unable to provision SubPath \`${path}\`: must not contain '..'`);
}

function terminationPath({ context, pod, container, attempt }: ContainerInputs): string {
  return join(
    context.volumes.podDirectory(pod.metadata.uid ?? ""),
    "containers",
    container.spec.name,
    `${attempt}.log`,
  );
}

async function emptyFile(path: string): Promise<string> {
  if (!(await stat(path).catch(ifAbsent))) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, "");
    // Any user that the container runs as may leave its last words, whatever our umask says.
    await chmod(path, 0o666);
  }
  return path;
}

function asConfigError(error: Error): never {
  throw new ContainerConfigError(error.message, { cause: error });
}
