import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ifAbsent } from "../base/files.ts";
import type { Log } from "../base/log.ts";
import type { RuntimeInfo } from "./runtime.ts";

/** Limits for all of a pod together. 0 or absent: none. */
export interface CgroupLimits {
  readonly cpuShares: number;
  readonly cpuQuotaUs?: number | undefined;
  readonly cpuPeriodUs?: number | undefined;
  readonly memoryLimitBytes?: number | undefined;
  /** By the kernel's name of their size ("2MB"); 0: none may be used. */
  readonly hugePageBytes?: Readonly<Record<string, number>> | undefined;
}

/** The cgroups that hold the containers of a pod. */
export interface PodCgroups {
  /** Makes the cgroup and sets its limits; what the kernel cannot limit is left out. */
  prepare(path: string, limits: CgroupLimits): Promise<void>;
  /** Removes the cgroup; harmless when it is gone or in use. */
  remove(path: string): Promise<void>;
}

/** With systemd as the driver the slices are systemd's, which makes and removes them itself. */
export function openCgroups(
  runtime: { info(): Promise<Pick<RuntimeInfo, "cgroupDriver" | "cgroupVersion">> },
  log: Log,
  root = "/sys/fs/cgroup",
): PodCgroups {
  /** The limits that this machine does not take: small devices lack controllers. Each is said once, not for every pod. */
  const refused = new Set<string>();
  const say = (controller: string, file: string, error: unknown): void => {
    if (refused.has(file)) return;
    refused.add(file);
    log.warn("this machine does not take a limit of pods; they run without it", { controller, file, error });
  };
  return {
    async prepare(path, limits) {
      const { cgroupVersion, cgroupDriver } = await runtime.info();
      if (cgroupDriver === "systemd") return;
      const writes = cgroupVersion === 1 ? version1Files(limits) : version2Files(limits);
      for (const { controller, file, value } of writes) {
        const directory = join(root, controller, path);
        await mkdir(directory, { recursive: true })
          .then(() => writeFile(join(directory, file), value))
          .catch((error: unknown) => say(controller, file, error));
      }
    },
    async remove(path) {
      // Also where the driver is systemd: it may have been another one when the pod began.
      const { cgroupVersion } = await runtime.info();
      const controllers = cgroupVersion === 1 ? await version1Controllers(root) : [""];
      await Promise.all(controllers.map((controller) => removeTree(join(root, controller, path))));
    },
  };
}

interface CgroupWrite {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
}

/** Linux, Documentation/admin-guide/cgroup-v1. */
export function version1Files({
  cpuShares,
  cpuQuotaUs,
  cpuPeriodUs,
  memoryLimitBytes,
  hugePageBytes = {},
}: CgroupLimits): CgroupWrite[] {
  return [
    { controller: "cpu", file: "cpu.shares", value: String(cpuShares) },
    ...(cpuQuotaUs && cpuPeriodUs
      ? [
          { controller: "cpu", file: "cpu.cfs_period_us", value: String(cpuPeriodUs) },
          { controller: "cpu", file: "cpu.cfs_quota_us", value: String(cpuQuotaUs) },
        ]
      : []),
    ...(memoryLimitBytes
      ? [{ controller: "memory", file: "memory.limit_in_bytes", value: String(memoryLimitBytes) }]
      : []),
    ...Object.entries(hugePageBytes).map(([size, bytes]) => ({
      controller: "hugetlb",
      file: `hugetlb.${size}.limit_in_bytes`,
      value: String(bytes),
    })),
  ];
}

/** Linux, Documentation/admin-guide/cgroup-v2.rst. */
export function version2Files({
  cpuShares,
  cpuQuotaUs,
  cpuPeriodUs,
  memoryLimitBytes,
  hugePageBytes = {},
}: CgroupLimits): CgroupWrite[] {
  // Shares from 2 to 262144 become weights from 1 to 10000, as runc does it.
  const weight = 1 + Math.floor(((cpuShares - 2) * 9999) / 262142);
  return [
    { controller: "", file: "cpu.weight", value: String(weight) },
    ...(cpuQuotaUs && cpuPeriodUs ? [{ controller: "", file: "cpu.max", value: `${cpuQuotaUs} ${cpuPeriodUs}` }] : []),
    ...(memoryLimitBytes ? [{ controller: "", file: "memory.max", value: String(memoryLimitBytes) }] : []),
    ...Object.entries(hugePageBytes).map(([size, bytes]) => ({
      controller: "",
      file: `hugetlb.${size}.max`,
      value: String(bytes),
    })),
  ];
}

async function version1Controllers(root: string): Promise<readonly string[]> {
  const lines = (await readFile("/proc/self/cgroup", "utf8")).split("\n");
  const names = lines.flatMap((line) => (line.split(":")[1] ?? "").replace("name=", "").split(","));
  return [...new Set([...names, ...((await readdir(root).catch(ifAbsent)) ?? [])])].filter(Boolean);
}

async function removeTree(directory: string): Promise<void> {
  const entries = (await readdir(directory, { withFileTypes: true }).catch(ifAbsent)) ?? [];
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(directory, entry.name));
  await rmdir(directory).catch((error: NodeJS.ErrnoException) => {
    // EBUSY, ENOTEMPTY: a process is still ending in it; the empty group does no harm.
    if (!["ENOENT", "EBUSY", "ENOTEMPTY"].includes(error.code ?? "")) throw error;
  });
}
