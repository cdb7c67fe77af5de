import { access, constants } from "node:fs/promises";
import Docker from "dockerode";
import { CannotStart } from "../../base/lifecycle.ts";
import { isOlder } from "../../base/versions.ts";
import type { RuntimeInfo } from "../runtime.ts";
import { DockerConnections } from "./connections.ts";

/** Docker cannot be used; the message says what is wrong and what to do. */
export class RuntimeUnavailable extends CannotStart {
  override readonly name = "RuntimeUnavailable";
  readonly why: "absent" | "forbidden" | "notRunning" | "tooOld";

  constructor(why: RuntimeUnavailable["why"], message: string, cause?: unknown) {
    super(message, { cause });
    this.why = why;
  }
}

/** The API version of Docker Engine 20.10, the oldest that skiff works with, and the one that it speaks where it may. */
const oldestApi = "1.41";

export interface DockerConnection {
  readonly docker: Docker;
  readonly connections: DockerConnections;
  readonly info: RuntimeInfo;
  /** Looks again at what answers there, and speaks to that from now on: behind the socket Docker may have been upgraded. */
  readonly greet: () => Promise<RuntimeInfo>;
}

/** Connects to Docker and checks that it can be used. */
export async function connectDocker(socket: string): Promise<DockerConnection> {
  const connections = new DockerConnections();
  // Without a version in its paths: every Docker answers it.
  const anyDocker = new Docker({ socketPath: socket, agent: connections } as Docker.DockerOptions);
  const docker = new Docker({ socketPath: socket, agent: connections } as Docker.DockerOptions);
  const greet = async (): Promise<RuntimeInfo> => {
    const { Version, ApiVersion, MinAPIVersion } = await answer(anyDocker, socket);
    if (isOlder(ApiVersion, oldestApi)) {
      throw new RuntimeUnavailable(
        "tooOld",
        `Docker ${Version} at ${socket} is too old: skiff needs Docker Engine 20.10 or later (API ${oldestApi}, this one has ${ApiVersion}); upgrade Docker`,
      );
    }
    const version = isOlder(oldestApi, MinAPIVersion ?? oldestApi) ? MinAPIVersion : oldestApi;
    Object.assign(docker.modem, { version: `v${version}` });
    return infoFrom(Version, await docker.info());
  };
  try {
    return { docker, connections, info: await greet(), greet };
  } catch (error) {
    connections[Symbol.dispose]();
    throw error;
  }
}

function infoFrom(version: string, said: unknown): RuntimeInfo {
  const { Driver, CgroupDriver, CgroupVersion, DockerRootDir } = said as Record<string, string | undefined>;
  return {
    name: "docker",
    version,
    cgroupVersion: CgroupVersion === "2" ? 2 : 1,
    cgroupDriver: CgroupDriver === "systemd" ? "systemd" : "cgroupfs",
    rootDirectory: DockerRootDir ?? "",
    storageDriver: Driver ?? "",
  };
}

async function answer(docker: Docker, socket: string): Promise<Docker.DockerVersion> {
  try {
    return await docker.version();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") {
      throw new RuntimeUnavailable(
        "absent",
        `there is no Docker at ${socket}: install Docker Engine 20.10 or later and start it, or name its socket`,
        error,
      );
    }
    if (code === "EACCES" || code === "EPERM") {
      throw new RuntimeUnavailable("forbidden", `no permission to use Docker at ${socket}: run skiff as root`, error);
    }
    if (code === "ECONNREFUSED" || code === "ECONNRESET") {
      const there = await access(socket, constants.F_OK).then(
        () => true,
        () => false,
      );
      const what = there ? "nothing answers there" : "the socket is gone";
      throw new RuntimeUnavailable("notRunning", `Docker at ${socket} does not run (${what}): start it`, error);
    }
    throw error;
  }
}
