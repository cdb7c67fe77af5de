import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ContainerState, ContainerStatus, Pod } from "../../api/schema/types.ts";
import { badRequest } from "../../api/status.ts";
import { timeFrom } from "../../api/time.ts";
import type { Clock } from "../../base/clock.ts";
import type { ContainerRuntime, LogOptions } from "../runtime.ts";
import type { NodeReply } from "./exchange.ts";

export interface LogRequest {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly pod: Pod;
  readonly container: string;
  readonly query: URLSearchParams;
}

/** Sends a container's output (Kubernetes API reference, "read log of the specified Pod"). */
export async function sendLogs({ runtime, clock, pod, container, query }: LogRequest, reply: NodeReply): Promise<void> {
  const id = loggedContainer(pod, container, { previous: query.get("previous") === "true" });
  const limit = query.get("limitBytes");
  const logs = await runtime.logs(id, logOptions(query, clock.now()), reply.signal).catch((error: Error) => {
    throw badRequest(
      `failed to read the log of container "${container}" in pod "${pod.metadata.name}": ${error.message}`,
    );
  });
  reply.respond(200, { "content-type": "text/plain" });
  await pipeline(limit === null ? logs : firstBytes(logs, Number(limit)), reply.stream, { signal: reply.signal });
}

function logOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const number = (name: string) => (query.has(name) ? Number(query.get(name)) : undefined);
  const sinceSeconds = number("sinceSeconds");
  const sinceTime = query.get("sinceTime");
  return {
    follow: query.get("follow") === "true",
    timestamps: query.get("timestamps") === "true",
    tailLines: number("tailLines"),
    sinceMs: sinceTime ? timeFrom(sinceTime) : sinceSeconds === undefined ? undefined : nowMs - sinceSeconds * 1000,
    stream: streams[query.get("stream") ?? ""] ?? "all",
  };
}
const streams: Readonly<Record<string, LogOptions["stream"]>> = { Stdout: "stdout", Stderr: "stderr" };

/** The id of the container whose log is meant: the one that runs, else the one that ran last. */
export function loggedContainer(pod: Pod, container: string, { previous }: { previous: boolean }): string {
  const of = `container "${container}" in pod "${pod.metadata.name}"`;
  const status = statusOf(pod, container);
  if (!status) throw badRequest(`${of} is not available`);
  const { state = {}, lastState = {} } = status;
  if (previous) {
    const id = idOf(lastState.terminated?.containerID);
    if (!id) throw badRequest(`previous terminated ${of} not found`);
    return id;
  }
  if (state.running) return idOf(status.containerID) ?? "";
  const ended = state.terminated?.containerID ?? lastState.terminated?.containerID;
  if (ended) return idOf(ended) ?? "";
  if (state.terminated ?? lastState.terminated) throw badRequest(`${of} is terminated`);
  throw badRequest(`${of} is waiting to start${waitingWords(state)}`);
}

function statusOf({ status = {} }: Pod, container: string): ContainerStatus | undefined {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = status;
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].find(
    ({ name }) => name === container,
  );
}

function waitingWords({ waiting }: ContainerState): string {
  if (!waiting) return " - no logs yet";
  if (waiting.reason === "ErrImagePull") return ": image can't be pulled";
  if (waiting.reason === "ImagePullBackOff") return ": trying and failing to pull image";
  return `: ${waiting.reason}`;
}

const idOf = (reference: string | undefined): string | undefined => reference?.replace(/^.*:\/\//, "");

async function* firstBytes(source: Readable, limit: number): AsyncGenerator<Buffer> {
  let left = limit;
  for await (const chunk of source) {
    const part = (chunk as Buffer).subarray(0, left);
    left -= part.length;
    if (part.length > 0) yield part;
    if (left <= 0) return;
  }
}
