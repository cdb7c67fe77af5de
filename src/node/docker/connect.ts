import { access, constants } from "node:fs/promises";
import Docker from "dockerode";
import { CannotStart } from "../../base/lifecycle.ts";
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

/** The API version of Docker Engine 20.10, the oldest that skiff works with. */
const oldestApi = "1.41";

export interface DockerVersion {
  readonly version: string;
  readonly apiVersion: string;
}

/** Connects to Docker and checks that it can be used. */
export async function connectDocker(socket: string): Promise<{
  docker: Docker;
  version: DockerVersion;
  connections: DockerConnections;
}> {
  const docker = new Docker({ socketPath: socket });
  const { Version, ApiVersion } = await answer(docker, socket);
  if (isOlder(ApiVersion, oldestApi)) {
    throw new RuntimeUnavailable(
      "tooOld",
      `Docker ${Version} at ${socket} is too old: skiff needs Docker Engine 20.10 or later (API ${oldestApi}, this one has ${ApiVersion}); upgrade Docker`,
    );
  }
  const connections = new DockerConnections();
  const options = { socketPath: socket, version: `v${oldestApi}`, agent: connections };
  return {
    docker: new Docker(options),
    connections,
    version: { version: Version, apiVersion: ApiVersion },
  };
}

async function answer(docker: Docker, socket: string): Promise<{ Version: string; ApiVersion: string }> {
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

/** Whether the version `one` ("1.41") comes before `other`. */
export function isOlder(one: string, other: string): boolean {
  const [major = 0, minor = 0] = one.split(".").map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split(".").map(Number);
  return major !== otherMajor ? major < otherMajor : minor < otherMinor;
}
