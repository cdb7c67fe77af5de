import { existsSync } from "node:fs";
import { join } from "node:path";
import { cache, fetchPackages, unpackPackages } from "./debian.ts";
import { eventually } from "./eventually.ts";
import type { Machine } from "./machine.ts";

/** The Docker of a test machine, as what starts it on a device sees it: a daemon that is stopped, replaced and started. */
export interface MachineDocker {
  /** Ends the daemon as its service does and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it with the flags that it had; another program where an upgrade brought one. Resolves when it answers. */
  start(program?: string, env?: NodeJS.ProcessEnv): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of Docker is written in the test
  get(path: string): Promise<any>;
}

export async function machineDocker(machine: Machine): Promise<MachineDocker> {
  const pid = async () => (await machine.run("pgrep", ["-x", "dockerd"])).stdout.trim();
  // Not the docker command: a daemon may be too young for it.
  const get = async (path: string) =>
    JSON.parse(await machine.must("curl", ["-sSg", "--unix-socket", "/run/docker.sock", `http://docker${path}`]));
  const [, ...flags] = (await machine.must("cat", [`/proc/${await pid()}/cmdline`])).split("\0").slice(0, -1);
  return {
    async stop(signal = "SIGTERM") {
      await machine.must("kill", [`-${signal.replace("SIG", "")}`, await pid()]);
      await eventually(async () => {
        if ((await pid()) !== "") throw new Error(`the Docker of ${machine.name} does not end`);
      });
    },
    async start(program = "dockerd", env = {}) {
      const daemon = machine.start(program, flags, env);
      await eventually(async () => {
        if (daemon.child.exitCode !== null) throw new Error(`dockerd ended:\n${daemon.output()}`);
        await get("/version");
      });
    },
    get,
  };
}

/** The dockerd of Debian's newest release, years younger than that of its stable one. It needs no newer libraries. */
export async function newestDockerd(): Promise<string> {
  const root = join(cache, "docker-sid");
  const program = join(root, "usr/sbin/dockerd");
  if (!existsSync(program))
    await unpackPackages(await fetchPackages(["docker.io"], { release: "sid", closure: false }), root);
  return program;
}
