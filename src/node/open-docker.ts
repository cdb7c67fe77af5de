import { type Clock, systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { connectDocker } from "./docker/connect.ts";
import { DockerRuntime } from "./docker/docker-runtime.ts";
import { openPortForwarder } from "./docker/port-forward.ts";
import { loadBuiltinImages } from "./images/builtin.ts";
import type { ContainerRuntime } from "./runtime.ts";

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
export async function inspectDocker(socket: string): Promise<{ version: string; storageDriver: string }> {
  const { docker, version, connections } = await connectDocker(socket);
  using _ = connections;
  const { Driver } = (await docker.info()) as { Driver: string };
  return { version: version.version, storageDriver: Driver };
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
  const { docker, version, connections } = await connectDocker(socket);
  const info = (await docker.info()) as { CgroupDriver: string; CgroupVersion?: string; DockerRootDir: string };
  const runtime = new DockerRuntime({
    docker,
    connections,
    info: {
      name: "docker",
      version: version.version,
      cgroupVersion: info.CgroupVersion === "2" ? 2 : 1,
      cgroupDriver: info.CgroupDriver === "systemd" ? "systemd" : "cgroupfs",
      rootDirectory: info.DockerRootDir,
    },
    forwarder: openPortForwarder(directory),
    clock,
    log,
  });
  await loadBuiltinImages(runtime);
  return runtime;
}
