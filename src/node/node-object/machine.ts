import { readdir, readFile, statfs } from "node:fs/promises";
import { arch, availableParallelism, release } from "node:os";
import { join } from "node:path";
import { formatQuantity, quantityFromUnits, signOf, subtractQuantities } from "../../api/quantity.ts";
import type { NodeSystemInfo } from "../../api/schema/types.ts";
import { ifAbsent } from "../../base/files.ts";
import type { RuntimeInfo } from "../runtime.ts";

/** What this machine is and has, as its Node object shows it. */
export interface Machine {
  readonly memoryBytes: number;
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly info: NodeSystemInfo;
}

/** Below this share of free space images are removed; pods are not promised it. */
const keptFreeShare = 0.05;
const usualMostPods = 110;

export interface Inspection {
  readonly directory: string;
  readonly runtime: RuntimeInfo;
  readonly version: string;
  readonly maxPods?: number | undefined;
  /** What of the machine is not for pods, each as quantities. */
  readonly reserved?: readonly Readonly<Record<string, string>>[] | undefined;
}

export async function inspectMachine({
  directory,
  runtime,
  version,
  maxPods = usualMostPods,
  reserved = [],
}: Inspection): Promise<Machine> {
  const [meminfo, disk] = await Promise.all([readFile("/proc/meminfo", "utf8"), statfs(directory)]);
  const hugePages = await hugePagesOf("/sys/kernel/mm/hugepages");
  const memoryKi = Number(/^MemTotal:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0);
  const diskBytes = disk.blocks * disk.bsize;
  const common = {
    cpu: String(availableParallelism()),
    pods: String(maxPods),
    ...hugePages,
  };
  return {
    memoryBytes: memoryKi * 1024,
    capacity: { ...common, memory: `${memoryKi}Ki`, "ephemeral-storage": `${Math.floor(diskBytes / 1024)}Ki` },
    // What lies in huge pages is nobody's memory otherwise.
    allocatable: [...reserved, ...Object.values(hugePages).map((memory) => ({ memory }))].reduce(less, {
      ...common,
      memory: `${memoryKi}Ki`,
      "ephemeral-storage": String(Math.floor(diskBytes * (1 - keptFreeShare))),
    }),
    info: {
      architecture: architecture(),
      bootID: await line("/proc/sys/kernel/random/boot_id"),
      containerRuntimeVersion: runtimeVersion(runtime),
      kernelVersion: release(),
      kubeProxyVersion: "",
      kubeletVersion: version,
      machineID: await line("/etc/machine-id"),
      operatingSystem: "linux",
      osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(await line("/etc/os-release", true))?.[1] ?? "Linux",
      systemUUID: (await line("/sys/class/dmi/id/product_uuid")) || (await line("/etc/machine-id")),
    },
  };
}

/** The machine's huge pages by their resource ("hugepages-2Mi"); `directory`: where the kernel has one for each size of them. */
export async function hugePagesOf(directory: string): Promise<Readonly<Record<string, string>>> {
  const found = await Promise.all(
    ((await readdir(directory).catch(ifAbsent)) ?? []).map(async (name): Promise<[string, string]> => {
      const bytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0) * 1024;
      const count = Number(await line(join(directory, name, "nr_hugepages")));
      const quantity = (units: number) => formatQuantity(quantityFromUnits(units, "BinarySI"));
      return [`hugepages-${quantity(bytes)}`, quantity(bytes * count)];
    }),
  );
  return Object.fromEntries(found.sort());
}

/** The runtime as a Node names it. */
export const runtimeVersion = ({ name, version }: RuntimeInfo): string => `${name}://${version}`;

/** What is left; never less than nothing. */
function less(
  all: Readonly<Record<string, string>>,
  taken: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const left = Object.entries(all).map(([name, amount]): [string, string] => {
    if (taken[name] === undefined) return [name, amount];
    const rest = subtractQuantities(amount, taken[name]);
    return [name, signOf(rest) < 0 ? "0" : formatQuantity(rest)];
  });
  return Object.fromEntries(left);
}

/** Go's name of the processor architecture. */
export function architecture(): string {
  return arch() === "x64" ? "amd64" : arch();
}

async function line(path: string, whole = false): Promise<string> {
  const text = (await readFile(path, "utf8").catch(ifAbsent)) ?? "";
  return whole ? text : text.trim();
}
