import { describe, expect, test } from "vitest";
import { cgroupPaths, usageVersion1, usageVersion2 } from "./cgroup-files.ts";

const reader = (files: Record<string, string>) => async (controller: string, file: string) =>
  files[`${controller}/${file}`];

describe("what a container uses", () => {
  test("with cgroups of version 1", async () => {
    const files = {
      "cpuacct/cpuacct.usage": "5000000\n",
      "memory/memory.usage_in_bytes": "1000\n",
      "memory/memory.stat": "cache 5\ntotal_rss 400\ntotal_inactive_file 300\n",
    };
    expect(await usageVersion1(reader(files))).toEqual({
      cpuNanos: 5_000_000,
      memoryBytes: 1000,
      workingSetBytes: 700,
      rssBytes: 400,
    });
  });

  test("with cgroups of version 2", async () => {
    const files = {
      "/cpu.stat": "usage_usec 5000\nuser_usec 1\n",
      "/memory.current": "1000\n",
      "/memory.stat": "anon 400\ninactive_file 300\n",
    };
    expect(await usageVersion2(reader(files))).toEqual({
      cpuNanos: 5_000_000,
      memoryBytes: 1000,
      workingSetBytes: 700,
      rssBytes: 400,
    });
  });

  test("is left open where the kernel has no memory controller", async () => {
    const usage = await usageVersion2(reader({ "/cpu.stat": "usage_usec 5\n" }));
    expect(usage).toEqual({ cpuNanos: 5000, memoryBytes: undefined, workingSetBytes: undefined, rssBytes: undefined });
  });

  test("lies where the process's cgroups are", () => {
    const paths = cgroupPaths("5:cpu,cpuacct:/kubepods/a:b\n1:name=systemd:/x\n0::/unified\n");
    expect([paths.get("cpuacct"), paths.get("")]).toEqual(["/kubepods/a:b", "/unified"]);
  });
});
