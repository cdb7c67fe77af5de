import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ifAbsent } from "../../src/base/files.ts";
import { eventually } from "./eventually.ts";
import { must, run } from "./run.ts";

/** This process, told apart from another that gets its number later: `PID-start`, the start in clock ticks since boot. */
export const owner = `${process.pid}-${startOf(process.pid)}`;

/** What lies in a directory of a test tells whose it is. */
interface Claim {
  readonly owner: string;
  /** The name of the cgroups and the network namespace that belong to it; its link on the host is called `<name>v`. */
  readonly name?: string | undefined;
}
const claimFile = "claim.json";

/** Marks a directory in the system's temporary directory, before anything is made in it, to be cleared if this process is killed. */
export function claim(directory: string, name?: string): void {
  // Whole or not at all: others read it at any time.
  writeFileSync(join(directory, `${claimFile}.new`), JSON.stringify({ owner, name } satisfies Claim));
  renameSync(join(directory, `${claimFile}.new`), join(directory, claimFile));
}

let removed: Promise<void> | undefined;

/**
 * Takes away what tests left that were killed before they could do it themselves; once in a process, and one process after
 * the other: two that clear the same would meet what the faster one has made anew by then.
 */
export function removeLeftOvers(): Promise<void> {
  removed ??= withLock(join(tmpdir(), "skiff-left-overs.lock"), async () => {
    for (const entry of readdirSync(tmpdir())) {
      const directory = join(tmpdir(), entry);
      if (!entry.startsWith("skiff-")) continue;
      // A test that has ended may be taking its directory away just now.
      const text = await readFile(join(directory, claimFile), "utf8").catch(ifAbsent);
      if (text === undefined) continue;
      const claimed: Claim = JSON.parse(text);
      if (!isAlive(claimed.owner)) await clear(directory, claimed.name);
    }
    await removeNetworks();
  });
  return removed;
}

/** Removes the cgroups of this name, in every hierarchy; waits a while for processes in them that are just ending. */
export async function removeCgroups(name: string): Promise<void> {
  const roots = ["/sys/fs/cgroup", ...readdirSync("/sys/fs/cgroup").map((entry) => `/sys/fs/cgroup/${entry}`)];
  const groups = roots.map((root) => join(root, name)).filter((group) => existsSync(group));
  if (groups.length === 0) return;
  await eventually(
    async () => {
      await run("find", [...groups, "-depth", "-type", "d", "-delete"]);
      const left = groups.filter((group) => existsSync(group));
      if (left.length > 0) throw new Error(`these control groups are still in use: ${left.join(" ")}`);
    },
    { limitMs: 5_000 },
  ).catch((error: Error) => console.warn(error.message)); // empty ones do no harm
}

async function clear(directory: string, name: string | undefined): Promise<void> {
  await endProcesses(directory);
  await unmountBelow(directory);
  if (name !== undefined) {
    await removeCgroups(name);
    await run("ip", ["netns", "delete", name]);
    await run("ip", ["link", "delete", `${name}v`]);
  }
  rmSync(directory, { recursive: true, force: true });
}

/** Unmounts what is mounted below a directory, the innermost first; a file system that was stalled goes on for it. */
export async function unmountBelow(directory: string): Promise<void> {
  const { stdout } = await run("findmnt", ["-rno", "TARGET"]);
  for (const mount of stdout.split("\n").reverse()) {
    if (!mount.startsWith(`${directory}/`)) continue;
    await run("fsfreeze", ["-u", mount]);
    await run("umount", ["-l", mount]);
  }
}

/** Ends the processes that have the directory in their command lines, and all that descend from them. */
async function endProcesses(directory: string): Promise<void> {
  await eventually(async () => {
    const lines = (await must("ps", ["-eo", "pid=,ppid=,args="])).split("\n");
    const processes = lines.map((line) => /^ *(\d+) +(\d+) (.*)$/.exec(line)?.slice(1) ?? ["", "", ""]);
    const doomed = new Set(processes.filter(([, , args]) => args?.includes(directory)).map(([pid]) => pid));
    for (let before = -1; before < doomed.size; ) {
      before = doomed.size;
      for (const [pid, parent] of processes) if (doomed.has(parent)) doomed.add(pid);
    }
    if (doomed.size === 0) return;
    await run("kill", ["-9", ...[...doomed].map(String)]);
    throw new Error(`processes of ${directory} do not end: ${[...doomed].join(" ")}`);
  });
}

/** Bridges carry their owner as their alias; network namespaces that stand for themselves have it at the end of their names. */
async function removeNetworks(): Promise<void> {
  const bridges: { ifname: string; ifalias?: string }[] = JSON.parse(
    await must("ip", ["-j", "link", "show", "type", "bridge"]),
  );
  for (const { ifname, ifalias } of bridges) {
    if (ifname.startsWith("sklan") && ifalias !== undefined && !isAlive(ifalias))
      await run("ip", ["link", "delete", ifname]);
  }
  const { stdout } = await run("ip", ["netns", "list"]);
  for (const [, name, claimed] of stdout.matchAll(/^(skt-\S+?-(\d+-\d+))(?: |$)/gm)) {
    if (name === undefined || claimed === undefined || isAlive(claimed)) continue;
    const pids = (await run("ip", ["netns", "pids", name])).stdout.split("\n").filter((pid) => pid !== "");
    if (pids.length > 0) await run("kill", ["-9", ...pids]);
    await run("ip", ["netns", "delete", name]);
  }
}

const isAlive = (claimed: string): boolean => {
  const [pid, start] = claimed.split("-");
  return startOf(Number(pid)) === start;
};

/** When a process began, as /proc tells it (proc(5), `starttime`); undefined where there is none of this number. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // What stands before, the command's name in parentheses, may contain anything.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** Runs a task while no other process does so with this file. The lock ends with the process that holds it. */
async function withLock(file: string, task: () => Promise<void>): Promise<void> {
  const holder = spawn("flock", [file, "sh", "-c", "echo; read -r _"], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    await once(holder.stdout, "data");
    await task();
  } finally {
    holder.stdin.end();
  }
}
