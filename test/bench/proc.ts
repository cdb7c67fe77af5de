import { readdirSync, readFileSync } from "node:fs";

/** What a process and its descendants have used so far. */
export interface Usage {
  readonly residentBytes: number;
  readonly cpuMs: number;
  readonly writtenBytes: number;
}

export function usageOf(pid: number): Usage {
  const sum = { residentBytes: 0, cpuMs: 0, writtenBytes: 0 };
  for (const member of familyOf(pid)) {
    const stat = read(member, "stat").split(") ").at(-1)?.split(" ") ?? [];
    // utime and stime in clock ticks of 10 ms (proc(5)); fields are counted from behind the name.
    sum.cpuMs += (Number(stat[11] ?? 0) + Number(stat[12] ?? 0)) * 10;
    sum.residentBytes += numberIn(read(member, "status"), "VmRSS") * 1024;
    sum.writtenBytes += numberIn(read(member, "io"), "write_bytes");
  }
  return sum;
}

export function residentBytes(pid: number): number {
  return numberIn(read(pid, "status"), "VmRSS") * 1024;
}

function familyOf(pid: number): number[] {
  const parents = new Map(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), Number(read(Number(name), "stat").split(") ").at(-1)?.split(" ")[1])]),
  );
  const family = [pid];
  for (const member of family) for (const [child, parent] of parents) if (parent === member) family.push(child); // grows while it is walked
  return family;
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return ""; // the process has ended
  }
}

function numberIn(text: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}
