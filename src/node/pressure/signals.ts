import { readFile, statfs } from "node:fs/promises";

/** How much there is of something that can run out, and how much of it is left. */
export interface Level {
  readonly available: number;
  readonly capacity: number;
}

/** kubelet's eviction signals (Kubernetes docs, "Node-pressure Eviction"). */
export const signalNames = [
  "memory.available",
  "nodefs.available",
  "nodefs.inodesFree",
  "imagefs.available",
  "imagefs.inodesFree",
  "pid.available",
] as const;
export type SignalName = (typeof signalNames)[number];

export type Signals = ReadonlyMap<SignalName, Level>;

/** What is left on this machine now. `directory`: where pods write; `imageDirectory`: where the runtime keeps images. */
export async function readSignals({
  directory,
  imageDirectory,
}: {
  directory: string;
  imageDirectory: string;
}): Promise<Signals> {
  const [nodefs, imagefs, meminfo, loadavg, pidMax] = await Promise.all([
    statfs(directory),
    statfs(imageDirectory),
    readFile("/proc/meminfo", "utf8"),
    readFile("/proc/loadavg", "utf8"),
    readFile("/proc/sys/kernel/pid_max", "utf8"),
  ]);
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(meminfo)?.[1] ?? 0) * 1024;
  const threads = Number(loadavg.split(" ")[3]?.split("/")[1] ?? 0);
  const bytes = ({ bavail, blocks, bsize }: typeof nodefs) => ({ available: bavail * bsize, capacity: blocks * bsize });
  const inodes = ({ ffree, files }: typeof nodefs) => ({ available: ffree, capacity: files });
  return new Map<SignalName, Level>([
    ["memory.available", { available: kilobytes("MemAvailable"), capacity: kilobytes("MemTotal") }],
    ["nodefs.available", bytes(nodefs)],
    ["nodefs.inodesFree", inodes(nodefs)],
    ["imagefs.available", bytes(imagefs)],
    ["imagefs.inodesFree", inodes(imagefs)],
    ["pid.available", { available: Number(pidMax) - threads, capacity: Number(pidMax) }],
  ]);
}
