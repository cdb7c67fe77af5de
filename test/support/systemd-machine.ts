import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDocker, type TestDocker } from "./docker.ts";
import { eventually } from "./eventually.ts";
import { claim } from "./left-overs.ts";
import { type Lan, lan } from "./machine.ts";
import { must, type Ran, type RunOptions, run } from "./run.ts";
import { systemdRoot } from "./systemd-root.ts";

/** A Debian machine with a real systemd as PID 1 and Docker as its service: a container of the test's own Docker. */
export interface SystemdMachine {
  readonly name: string;
  /** Its address on the network that it shares with the host. */
  readonly address: string;
  /** Runs a script of sh on the machine to its end. */
  run(script: string, options?: RunOptions): Promise<Ran>;
  /** The same; an exit code other than 0 is an error. Resolves with the standard output. */
  sh(script: string, options?: RunOptions): Promise<string>;
  /** Puts a file of the host there. */
  put(file: string, path: string): Promise<void>;
  /** Orderly: systemd stops every service, then starts again. */
  reboot(): Promise<void>;
}

/** Machines of one test file, and the network between them and the host. */
export interface SystemdMachines extends AsyncDisposable {
  readonly lan: Lan;
  machine(name: string): Promise<SystemdMachine>;
}

export async function systemdMachines(): Promise<SystemdMachines> {
  const archive = await systemdRoot();
  const network = await lan();
  const docker = await startDocker();
  await must("docker", ["-H", `unix://${docker.socket}`, "import", archive, "debian-systemd:1"]);
  const disks = mkdtempSync(join(tmpdir(), "skiff-systemd-"));
  claim(disks);
  return {
    lan: network,
    machine: (name) => startMachine({ name, docker, network, disk: join(disks, name) }),
    async [Symbol.asyncDispose]() {
      await docker[Symbol.asyncDispose]();
      await network[Symbol.asyncDispose]();
      rmSync(disks, { recursive: true, force: true });
    },
  };
}

interface Place {
  readonly name: string;
  readonly docker: TestDocker;
  readonly network: Lan;
  readonly disk: string;
}

async function startMachine({ name, docker, network, disk }: Place): Promise<SystemdMachine> {
  mkdirSync(disk, { recursive: true });
  const memory = ["/run", "/run/lock", "/tmp"].flatMap((path) => ["--tmpfs", `${path}:exec`]);
  await docker.docker(
    ...["create", "--name", name, "--hostname", name, "--privileged", "--net", "none", "--cgroupns", "private"],
    // Docker's own data needs a real file system beneath its overlays.
    ...[...memory, "-v", `${disk}:/var/lib/docker`, "-e", "container=docker", "--stop-signal", "SIGRTMIN+3"],
    ...["debian-systemd:1", "/lib/systemd/systemd"],
  );
  let link: { address: string; number: number } | undefined;

  const inside = (script: string) => ["-H", `unix://${docker.socket}`, "exec", "-i", name, "sh", "-c", script];
  const up = async (): Promise<string> => {
    await docker.docker("start", name);
    const pid = Number(await docker.docker("inspect", "-f", "{{.State.Pid}}", name));
    link = await network.attach(pid, link?.number);
    await eventually(async () => {
      const { stdout } = await run(
        "docker",
        inside("systemctl is-system-running; docker info >/dev/null 2>&1 && echo up"),
      );
      if (!/^(running|degraded)\nup\n$/.test(stdout)) throw new Error(`machine ${name} has not started: ${stdout}`);
    });
    return link.address;
  };
  const address = await up();
  return {
    name,
    address,
    run: (script, options) => run("docker", inside(script), options),
    sh: (script, options) => must("docker", inside(script), options),
    async put(file, path) {
      await docker.docker("cp", file, `${name}:${path}`);
    },
    async reboot() {
      await docker.docker("stop", "--time", "120", name);
      await up();
    },
  };
}
