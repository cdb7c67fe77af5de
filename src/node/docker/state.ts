import type Docker from "dockerode";
import type { Container, Sandbox } from "../runtime.ts";
import { annotationsFrom, identityFrom, label } from "./labels.ts";

type Inspected = Docker.ContainerInspectInfo;

export function sandboxFrom(info: Inspected): Sandbox {
  const { podUid, namespace, podName, attempt } = identityFrom(info.Config.Labels);
  return {
    id: info.Id,
    podUid,
    namespace,
    name: podName,
    attempt,
    state: info.State.Running ? "ready" : "notReady",
    pid: info.State.Running ? info.State.Pid : 0,
    createdAtMs: millisecondsFrom(info.Created),
  };
}

export function containerFrom(info: Inspected): Container {
  const { podUid, namespace, podName, container, attempt } = identityFrom(info.Config.Labels);
  const { State } = info;
  const state = stateOf(State);
  const createdAtMs = millisecondsFrom(info.Created);
  return {
    id: info.Id,
    sandboxId: info.Config.Labels[label.sandboxId] ?? "",
    podUid,
    podNamespace: namespace,
    podName,
    name: container,
    attempt,
    image: info.Config.Image,
    imageId: info.Image,
    state,
    pid: State.Running ? State.Pid : 0,
    createdAtMs,
    startedAtMs: millisecondsFrom(State.StartedAt),
    finishedAtMs: state === "exited" ? millisecondsFrom(State.FinishedAt) || createdAtMs : 0,
    exitCode: State.ExitCode,
    // Docker says so too when only a child was killed and the container went on.
    oomKilled: State.OOMKilled && State.ExitCode === 137,
    resources: {
      memoryLimitBytes: info.HostConfig.Memory ?? 0,
      cpuShares: info.HostConfig.CpuShares ?? 0,
      cpuQuotaUs: info.HostConfig.CpuQuota ?? 0,
    },
    error: State.Error,
    annotations: annotationsFrom(info.Config.Labels),
  };
}

/** A container whose start failed stays "created" in Docker, with an exit code and an error. */
function stateOf(state: Inspected["State"]): Container["state"] {
  if (state.Running) return "running";
  if (state.Status === "created") return state.ExitCode !== 0 || state.Error !== "" ? "exited" : "created";
  return "exited";
}

/** Docker's zero time is the year 1. */
function millisecondsFrom(time: string): number {
  return Math.max(0, Date.parse(time) || 0);
}
