import type Docker from "dockerode";
import type { ContainerResources, ContainerSpec, Mount, SandboxId, SandboxSpec } from "../runtime.ts";
import { annotationLabels, containerName, identityLabels, label, sandboxContainerName } from "./labels.ts";

/** What the daemon can do; learnt at the start and on the way. */
export interface DaemonTraits {
  readonly cgroupDriver: "cgroupfs" | "systemd";
  /** Whether containers may have a negative oom_score_adj; without CAP_SYS_RESOURCE they may not. */
  readonly negativeOomScores: boolean;
}

/** The sandbox is what the kernel should kill last of a pod. */
const sandboxOomScoreAdj = -998;
/** The least that the kernel knows. */
const leastCpuShares = 2;
const logConfig = { Type: "json-file", Config: { "max-size": "10m", "max-file": "5" } };

export function sandboxOptions(
  spec: SandboxSpec,
  { image, traits }: { image: string; traits: DaemonTraits },
): Docker.ContainerCreateOptions {
  const identity = { ...spec, podName: spec.name, container: sandboxContainerName };
  return {
    name: containerName(identity),
    Image: image,
    Hostname: spec.hostNetwork ? undefined : spec.hostname,
    Labels: { ...spec.labels, ...identityLabels(identity) },
    HostConfig: {
      ...(spec.runtimeHandler && { Runtime: spec.runtimeHandler }),
      NetworkMode: spec.hostNetwork ? "host" : "none",
      IpcMode: spec.hostIpc ? "host" : "shareable",
      PidMode: spec.hostPid ? "host" : undefined,
      CgroupParent: cgroupParent(spec.cgroupParent, traits),
      CpuShares: leastCpuShares,
      OomScoreAdj: oomScoreAdj(sandboxOomScoreAdj, traits),
      Sysctls: { ...spec.sysctls },
      // The pause binary makes four system calls; a filter would only cost start time.
      SecurityOpt: ["seccomp=unconfined", "no-new-privileges"],
      ReadonlyRootfs: true,
      LogConfig: { Type: "none", Config: {} },
    },
  };
}

export function containerOptions(
  sandbox: SandboxId,
  spec: ContainerSpec,
  traits: DaemonTraits,
): Docker.ContainerCreateOptions {
  const identity = {
    podUid: spec.podUid,
    namespace: spec.podNamespace,
    podName: spec.podName,
    container: spec.name,
    attempt: spec.attempt,
  };
  const { security } = spec;
  return {
    name: containerName(identity),
    Image: spec.image,
    ...(spec.command.length > 0 && { Entrypoint: [...spec.command] }),
    ...(spec.args.length > 0 && { Cmd: [...spec.args] }),
    Env: spec.env.map(({ name, value }) => `${name}=${value}`),
    WorkingDir: spec.workingDir,
    User: security.user,
    Tty: spec.tty,
    OpenStdin: spec.stdin,
    StdinOnce: spec.stdinOnce,
    StopSignal: spec.stopSignal,
    Labels: {
      ...annotationLabels(spec.annotations),
      ...identityLabels(identity),
      [label.sandboxId]: sandbox,
    },
    // An image's own health check would run beside the pod's probes.
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      ...(spec.runtimeHandler && { Runtime: spec.runtimeHandler }),
      NetworkMode: `container:${sandbox}`,
      IpcMode: spec.ipcNamespace === "host" ? "host" : `container:${sandbox}`,
      PidMode: pidMode(sandbox, spec.pidNamespace),
      CgroupParent: cgroupParent(spec.cgroupParent, traits),
      Binds: spec.mounts.map(bindFrom),
      Devices: spec.devices.map(({ hostPath, containerPath, readOnly }) => ({
        PathOnHost: hostPath,
        PathInContainer: containerPath,
        CgroupPermissions: readOnly ? "mr" : "mrw",
      })),
      Privileged: security.privileged,
      ReadonlyRootfs: security.readOnlyRootfs,
      CapAdd: [...security.addCapabilities],
      CapDrop: [...security.dropCapabilities],
      GroupAdd: [...security.groups],
      SecurityOpt: securityOptions(spec),
      ...(!security.maskedPaths && { MaskedPaths: [], ReadonlyPaths: [] }),
      LogConfig: logConfig,
      ...resourceOptions(spec.resources),
      OomScoreAdj: oomScoreAdj(spec.resources.oomScoreAdj ?? 0, traits),
    },
  };
}

/** The limits in Docker's words, for creation and for a change of a running container. */
export function resourceOptions(resources: ContainerResources) {
  const { memoryLimitBytes = 0, cpuShares = 0, cpuQuotaUs = 0, cpuPeriodUs = 0 } = resources;
  return {
    Memory: memoryLimitBytes,
    // Equal to the limit: no swap. Docker would otherwise allow as much again.
    ...(memoryLimitBytes > 0 && { MemorySwap: memoryLimitBytes }),
    CpuShares: cpuShares,
    CpuQuota: cpuQuotaUs,
    CpuPeriod: cpuPeriodUs,
  };
}

/** With systemd a parent is a slice, whose name holds its ancestors': "kubepods-burstable-pod1_2.slice". */
export function cgroupParent(path: string, { cgroupDriver }: DaemonTraits): string {
  if (cgroupDriver === "cgroupfs") return path;
  const parts = path.split("/").filter(Boolean);
  return `${parts.map((part) => part.replaceAll("-", "_")).join("-")}.slice`;
}

function pidMode(sandbox: SandboxId, namespace: ContainerSpec["pidNamespace"]): string | undefined {
  if (namespace === "container") return undefined;
  if (namespace === "host") return "host";
  return `container:${namespace === "pod" ? sandbox : namespace.of}`;
}

function bindFrom({ hostPath, containerPath, readOnly, propagation }: Mount): string {
  const modes = [readOnly ? "ro" : "rw"];
  if (propagation === "HostToContainer") modes.push("rslave");
  if (propagation === "Bidirectional") modes.push("rshared");
  return `${hostPath}:${containerPath}:${modes.join(",")}`;
}

function securityOptions({ security }: ContainerSpec): string[] {
  const options: string[] = [];
  if (security.noNewPrivileges) options.push("no-new-privileges");
  // Docker's own profile is what it takes when none is named.
  if (security.seccomp !== "runtime/default") options.push(`seccomp=${security.seccomp}`);
  if (security.apparmor && security.apparmor !== "runtime/default") options.push(`apparmor=${security.apparmor}`);
  return options;
}

function oomScoreAdj(wanted: number, { negativeOomScores }: DaemonTraits): number {
  return negativeOomScores ? wanted : Math.max(0, wanted);
}
