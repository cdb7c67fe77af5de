/** What a container uses, read from the kernel's files. Absent: this kernel does not say. */
export interface Usage {
  readonly cpuNanos?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly workingSetBytes?: number | undefined;
  readonly rssBytes?: number | undefined;
}

/** Reads a file of a cgroup; undefined when it is not there. */
export type ReadFile = (controller: string, file: string) => Promise<string | undefined>;

/** Linux, Documentation/admin-guide/cgroup-v1: cpuacct and memory. */
export async function usageVersion1(read: ReadFile): Promise<Usage> {
  const [cpu, usage, stat] = await Promise.all([
    read("cpuacct", "cpuacct.usage"),
    read("memory", "memory.usage_in_bytes"),
    read("memory", "memory.stat"),
  ]);
  const fields = fieldsOf(stat);
  const memoryBytes = numberOf(usage);
  return {
    cpuNanos: numberOf(cpu),
    memoryBytes,
    workingSetBytes: workingSet(memoryBytes, fields.get("total_inactive_file")),
    rssBytes: fields.get("total_rss"),
  };
}

/** Linux, Documentation/admin-guide/cgroup-v2.rst. */
export async function usageVersion2(read: ReadFile): Promise<Usage> {
  const [cpu, current, stat] = await Promise.all([
    read("", "cpu.stat"),
    read("", "memory.current"),
    read("", "memory.stat"),
  ]);
  const fields = fieldsOf(stat);
  const micros = fieldsOf(cpu).get("usage_usec");
  const memoryBytes = numberOf(current);
  return {
    cpuNanos: micros === undefined ? undefined : micros * 1000,
    memoryBytes,
    workingSetBytes: workingSet(memoryBytes, fields.get("inactive_file")),
    rssBytes: fields.get("anon"),
  };
}

/** What the kernel could not take back at once: all but files that nobody has touched lately. */
function workingSet(memoryBytes: number | undefined, inactiveFileBytes = 0): number | undefined {
  return memoryBytes === undefined ? undefined : Math.max(0, memoryBytes - inactiveFileBytes);
}

function fieldsOf(text = ""): ReadonlyMap<string, number> {
  return new Map(
    text
      .split("\n")
      .map((line) => line.split(" "))
      .map(([name = "", value]) => [name, Number(value)]),
  );
}

function numberOf(text: string | undefined): number | undefined {
  const number = Number(text?.trim());
  return text === undefined || Number.isNaN(number) ? undefined : number;
}

/** The cgroup of a process in each hierarchy, from /proc/PID/cgroup ("" is that of version 2). */
export function cgroupPaths(text: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split("\n").filter(Boolean)) {
    const [, controllers = "", ...path] = line.split(":");
    for (const controller of controllers.split(",")) paths.set(controller, path.join(":"));
  }
  return paths;
}
