import { mkdir, mkdtempDisposable, readdir, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { noLog as log } from "../base/log.ts";
import { openCgroups, version1Files, version2Files } from "./cgroups.ts";

const pod = "/kubepods/burstable/podu1";

test("a pod's cgroup goes also when Docker has another driver since the pod began", async () => {
  await using made = await mkdtempDisposable(join(tmpdir(), "skiff-cgroups-"));
  const root = made.path;
  let cgroupDriver: "cgroupfs" | "systemd" = "cgroupfs";
  const cgroups = openCgroups({ info: async () => ({ cgroupDriver, cgroupVersion: 2 }) }, log, root);
  await mkdir(join(root, pod, "left"), { recursive: true });
  cgroupDriver = "systemd";
  await cgroups.prepare("/kubepods/podu2", { cpuShares: 2 });
  expect(await readdir(join(root, "kubepods"))).toEqual(["burstable"]);
  await cgroups.remove(pod);
  await expect(stat(join(root, pod))).rejects.toThrow("ENOENT");
});

test("limits are written where the kernel looks for them", async () => {
  const limits = { cpuShares: 1024, memoryLimitBytes: 1000, hugePageBytes: { "2MB": 0 } };
  await using made = await mkdtempDisposable(join(tmpdir(), "skiff-cgroups-"));
  const root = made.path;
  await openCgroups({ info: async () => ({ cgroupDriver: "cgroupfs", cgroupVersion: 1 }) }, log, root).prepare(
    pod,
    limits,
  );
  expect(await readFile(join(root, "hugetlb", pod, "hugetlb.2MB.limit_in_bytes"), "utf8")).toBe("0");
  expect(version1Files(limits).map(({ controller, file }) => `${controller}/${file}`)).toEqual([
    "cpu/cpu.shares",
    "memory/memory.limit_in_bytes",
    "hugetlb/hugetlb.2MB.limit_in_bytes",
  ]);
  expect(version2Files(limits).map(({ file, value }) => `${file}=${value}`)).toEqual([
    "cpu.weight=39",
    "memory.max=1000",
    "hugetlb.2MB.max=0",
  ]);
});
