import { type Clock, systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { connectDocker } from "./docker/connect.ts";
import { DockerRuntime } from "./docker/docker-runtime.ts";
import { openPortForwarder } from "./docker/port-forward.ts";
import { loadBuiltinImages } from "./images/builtin.ts";
import type { ContainerRuntime, RuntimeInfo } from "./runtime.ts";

export { RuntimeUnavailable } from "./docker/connect.ts";

export interface DockerOptions {
  /** The path of Docker's socket. */
  readonly socket: string;
  /** Where skiff may keep a small helper program. */
  readonly directory: string;
  readonly log: Log;
  readonly clock?: Clock;
}

/** What Docker is at a socket: its version and how it stores images. @throws {RuntimeUnavailable} as `openDocker` */
export async function inspectDocker(socket: string): Promise<RuntimeInfo> {
  const { info, connections } = await connectDocker(socket);
  connections[Symbol.dispose]();
  return info;
}

/**
 * Connects to Docker and loads skiff's own images where they are absent.
 * @throws {RuntimeUnavailable} when Docker is absent, not running, too old, or may not be used
 */
export async function openDocker({
  socket,
  directory,
  log,
  clock = systemClock,
}: DockerOptions): Promise<ContainerRuntime> {
  const runtime = new DockerRuntime({
    ...(await connectDocker(socket)),
    forwarder: openPortForwarder(directory),
    clock,
    log,
  });
  await loadBuiltinImages(runtime);
  return runtime;
}
