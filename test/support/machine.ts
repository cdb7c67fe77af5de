import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { insertCard, removeCard } from "./card.ts";
import { eventually, Hopeless } from "./eventually.ts";
import { claim, owner, removeCgroups, removeLeftOvers } from "./left-overs.ts";
import { must, type Ran, type RunOptions, run, start } from "./run.ts";

/**
 * A machine of its own on this host: PID, mount, host name, IPC, cgroup and network namespaces; its own containerd, Docker,
 * /run, /etc/skiff, /var/lib/skiff and /var/lib/kubelet. The rest of the file system is the host's. Needs root.
 */
export interface Machine extends AsyncDisposable {
  readonly name: string;
  /** What belongs to it on the host: its disk, its logs. Removed with it. */
  readonly directory: string;
  /** Its address on the network of the test machines; the host is reachable too. */
  readonly address: string;
  /** Runs a program on the machine to its end. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** The same; an exit code other than 0 is an error. */
  must(program: string, args: readonly string[], options?: RunOptions): Promise<string>;
  /** Starts a program on the machine that goes on. */
  start(program: string, args: readonly string[], env?: NodeJS.ProcessEnv): ReturnType<typeof start>;
  /** Takes the machine off the network, and puts it back. */
  cut(): Promise<void>;
  heal(): Promise<void>;
  /** A box on its way to the others drops what it sends and the rule (nft's) matches; undefined: nothing any more. */
  boxDrops(rule: string | undefined): Promise<void>;
  /** Power cut: every process ends at once; the disk stays. */
  kill(): Promise<void>;
  /** Power cut and start. */
  reboot(): Promise<void>;
}

export interface MachineOptions {
  /** Replaces the flags that keep Docker from making a bridge and iptables rules. */
  readonly dockerdFlags?: string;
  /** Name servers and search domains of the machine, as in resolv.conf. */
  readonly resolvConf?: string;
  /** All that it writes lies on a small card of its own, which may be full or stall (`card.ts`). */
  readonly cardMegabytes?: number;
}

/** The network that the machines of one test file share. */
export interface Lan extends AsyncDisposable {
  readonly hostAddress: string;
  machine(name: string, options?: MachineOptions): Promise<Machine>;
  /** Gives the network namespace of a process an eth0 on this network; `number` asks for the address it had before. */
  attach(pid: number, number?: number): Promise<{ address: string; number: number }>;
}

/** Makes a bridge with a subnet that no other test uses. Disposing takes every machine down. */
export async function lan(): Promise<Lan> {
  const number = await freeSubnet();
  const bridge = `sklan${number}`;
  const subnet = `172.31.${number}`;
  await must("ip", ["addr", "add", `${subnet}.254/24`, "dev", bridge]);
  await must("ip", ["link", "set", bridge, "up"]);
  const machines: Machine[] = [];
  let attached = 0;
  return {
    hostAddress: `${subnet}.254`,
    async machine(name, options = {}) {
      const made = await startMachine({ name, bridge, subnet, number: machines.length + 1 }, options);
      machines.push(made);
      return made;
    },
    async attach(pid, number = 100 + attached++) {
      const address = `${subnet}.${number}`;
      const id = `${bridge}m${number}`;
      await run("ip", ["link", "delete", `${id}v`]);
      await must("ip", ["link", "add", `${id}v`, "type", "veth", "peer", "name", "eth0", "netns", String(pid)]);
      await must("ip", ["link", "set", `${id}v`, "master", bridge, "up"]);
      await must("nsenter", ["-t", String(pid), "-n", "ip", "-batch", "-"], {
        input: `link set lo up\naddr add ${address}/24 dev eth0\nlink set eth0 up\nroute add default via ${subnet}.254\n`,
      });
      return { address, number };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(machines.map((machine) => machine[Symbol.asyncDispose]()));
      await run("ip", ["link", "delete", bridge]);
    },
  };
}

/** Takes a number whose bridge nobody has: making the bridge is the reservation. */
async function freeSubnet(): Promise<number> {
  await removeLeftOvers();
  for (let number = 20; number < 250; number++) {
    const { code } = await run("ip", ["link", "add", `sklan${number}`, "type", "bridge"]);
    if (code !== 0) continue;
    await must("ip", ["link", "set", `sklan${number}`, "alias", owner]);
    return number;
  }
  throw new Error("no free number for a test network: remove some of the sklan* bridges (ip link delete sklanN)");
}

interface Place {
  readonly name: string;
  readonly bridge: string;
  readonly subnet: string;
  readonly number: number;
}

async function startMachine({ name, bridge, subnet, number }: Place, options: MachineOptions): Promise<Machine> {
  const id = `${bridge}m${number}`;
  const box = `skiffbox-${id}`;
  const directory = mkdtempSync(join(tmpdir(), `skiff-machine-${name}-`));
  const address = `${subnet}.${number}`;
  let pid = 0;
  const started = new Set<ReturnType<typeof start>>();
  claim(directory, id);

  const up = async (): Promise<void> => {
    await makeNetwork(id, bridge, address, `${subnet}.254`);
    pid = await boot(directory, name, id, options);
  };
  const kill = async (): Promise<void> => {
    if (pid) await run("kill", ["-9", String(pid)]);
    for (const { child } of started) goOn(child);
    await eventually(() => {
      if (pid && existsSync(`/proc/${pid}`)) throw new Error(`machine ${name} is still there`);
    });
    pid = 0;
    await removeCgroups(id);
  };
  const inside = (program: string, args: readonly string[]) => [
    "-t",
    String(pid),
    "-m",
    "-u",
    "-i",
    "-C",
    "-p",
    "-n",
    "--",
    program,
    ...args,
  ];

  if (options.cardMegabytes !== undefined) await insertCard(directory, options.cardMegabytes);
  await up();
  return {
    name,
    directory,
    address,
    run: (program, args, how) => run("nsenter", inside(program, args), how),
    must: (program, args, how) => must("nsenter", inside(program, args), how),
    start(program, args, env = {}) {
      const running = start("nsenter", inside(program, args), { env: { ...process.env, ...env } });
      started.add(running);
      const forget = () => started.delete(running);
      running.ended.then(forget, forget);
      return running;
    },
    cut: async () => void (await must("ip", ["link", "set", `${id}v`, "down"])),
    heal: async () => void (await must("ip", ["link", "set", `${id}v`, "up"])),
    async boxDrops(rule) {
      await run("nft", ["delete", "table", "netdev", box]);
      const hook = `type filter hook ingress device ${id}v priority 0;`;
      if (rule !== undefined)
        await must("nft", ["-f", "-"], {
          input: `table netdev ${box} {\n chain c {\n ${hook}\n ${rule} drop\n }\n}\n`,
        });
    },
    kill,
    async reboot() {
      await kill();
      await up();
    },
    async [Symbol.asyncDispose]() {
      await kill();
      await removeCard(directory);
      await run("nft", ["delete", "table", "netdev", box]);
      await run("ip", ["netns", "delete", id]);
      await run("ip", ["link", "delete", `${id}v`]);
      // A kubectl that was ended may be writing down what the API serves.
      await eventually(() => must("rm", ["-rf", directory]), { limitMs: 10_000 });
    },
  };
}

/** nsenter stops when what it runs is stopped, as a busy machine's keeper may do: it would not see its end. */
export const goOn = (nsenter: ChildProcess): boolean => nsenter.kill("SIGCONT");

async function makeNetwork(id: string, bridge: string, address: string, gateway: string): Promise<void> {
  await run("ip", ["netns", "delete", id]);
  await run("ip", ["link", "delete", `${id}v`]);
  await must("ip", ["netns", "add", id]);
  await must("ip", ["link", "add", `${id}v`, "type", "veth", "peer", "name", "eth0", "netns", id]);
  await must("ip", ["link", "set", `${id}v`, "master", bridge, "up"]);
  await must("ip", ["-n", id, "-batch", "-"], {
    input: `link set lo up\naddr add ${address}/24 dev eth0\nlink set eth0 up\nroute add default via ${gateway}\n`,
  });
}

/** Starts the machine's first process; resolves with its PID on the host when Docker answers. */
async function boot(
  directory: string,
  name: string,
  id: string,
  { dockerdFlags, resolvConf }: MachineOptions,
): Promise<number> {
  const hierarchies = cgroupHierarchies();
  mkdirSync(join(directory, "disk"), { recursive: true });
  writeFileSync(join(directory, "cgroups"), hierarchies.map((hierarchy) => `${hierarchy}\n`).join(""));
  if (resolvConf) writeFileSync(join(directory, "resolv.conf"), resolvConf);
  rmSync(join(directory, "ready"), { force: true });
  const groups =
    hierarchies.length > 0 ? hierarchies.map((h) => `/sys/fs/cgroup/${h}/${id}`) : [`/sys/fs/cgroup/${id}`];
  for (const group of groups) mkdirSync(group, { recursive: true });
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (hierarchies.includes("cpuset"))
      writeFileSync(`/sys/fs/cgroup/cpuset/${id}/${file}`, readFileSync(`/sys/fs/cgroup/cpuset/${file}`));
  }

  const log = openSync(join(directory, "log"), "a");
  const init = join(import.meta.dirname, "machine-init.sh");
  const script = `for g in ${groups.join(" ")}; do echo $$ >$g/cgroup.procs; done
    exec nsenter --net=/run/netns/${id} unshare -m -u -i -C -p -f --kill-child --propagation private ${init} ${directory} ${name}`;
  const child = spawn("sh", ["-c", script], {
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...process.env, ...(dockerdFlags !== undefined && { DOCKERD_FLAGS: dockerdFlags }) },
  });
  child.unref();
  await eventually(() => {
    if (existsSync(join(directory, "ready"))) return;
    const said = ["log", "containerd.log", "dockerd.log"].map((file) => join(directory, file)).filter(existsSync);
    const message = `machine ${name} did not start:\n${said.map((file) => readFileSync(file, "utf8")).join("")}`;
    throw child.exitCode === null ? new Error(message) : new Hopeless(message);
  });
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
  return Number(children[0]);
}

/** The cgroup v1 hierarchies of the host; none where cgroup v2 is in charge. */
function cgroupHierarchies(): string[] {
  if (existsSync("/sys/fs/cgroup/cgroup.controllers")) return [];
  return readFileSync("/proc/self/cgroup", "utf8")
    .split("\n")
    .map((line) => (line.split(":")[1] ?? "").replace("name=", ""))
    .filter((name) => name !== "" && existsSync(`/sys/fs/cgroup/${name}`));
}
