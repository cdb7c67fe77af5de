import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { CannotStart } from "../base/lifecycle.ts";

const run = promisify(execFile);

/** A skiff that runs on this machine. */
export interface RunningSkiff {
  readonly pid: number;
  readonly role: "server" | "agent";
  /** The systemd unit whose main process it is. */
  readonly unit: string | undefined;
}

/** Every `skiff server` and `skiff agent` on this machine. */
export function runningSkiffs(proc = "/proc"): readonly RunningSkiff[] {
  return readdirSync(proc)
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid): RunningSkiff[] => {
      try {
        const program = readlinkSync(join(proc, pid, "exe")).replace(/ \(deleted\)$/, "");
        const [, role] = readFileSync(join(proc, pid, "cmdline"), "utf8").split("\0");
        if (!basename(program).startsWith("skiff") || (role !== "server" && role !== "agent")) return [];
        return [{ pid: Number(pid), role, unit: unitFrom(readFileSync(join(proc, pid, "cgroup"), "utf8")) }];
      } catch {
        return []; // it has ended meanwhile, or is another user's
      }
    });
}

/** "skiff.service" of the lines of /proc/PID/cgroup. */
export function unitFrom(cgroups: string): string | undefined {
  return /\/(skiff[^/\n]*\.service)$/m.exec(cgroups)?.[1];
}

/** Asks it to stop and waits until it has. Its containers run on. */
export async function stopSkiff({ pid, unit }: RunningSkiff): Promise<void> {
  if (unit && existsSync("/run/systemd/system")) {
    await run("systemctl", ["stop", unit]);
    return;
  }
  process.kill(pid, "SIGTERM");
  const began = performance.now();
  while (existsSync(`/proc/${pid}`)) {
    if (performance.now() - began > mostMs)
      throw new CannotStart(
        `skiff (process ${pid}) has not stopped within ${mostMs / 1000} s: \`kill -9 ${pid}\` ends it`,
      );
    await sleep(100);
  }
}

const mostMs = 120_000;
