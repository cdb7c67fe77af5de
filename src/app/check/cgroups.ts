import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Check, ok, problem, warning } from "./check.ts";

/** Kubernetes docs, "About cgroup v2": what limits of pods are made of. Raspberry Pi OS switches memory off by default. */
export const cgroups: Check = {
  name: "cgroups",
  concerns: ({ agent }) => agent !== undefined,
  async look(_, { root }) {
    const { version, controllers } = controllersOf(root);
    const missing = ["memory", "cpu", "pids"].filter((name) => !controllers.includes(name));
    const found = missing.length > 0 ? `v${version}, without ${missing.join(", ")}` : `v${version}, memory, cpu, pids`;
    if (missing.includes("memory"))
      return problem(
        found,
        `the kernel has no memory cgroup, so memory limits of pods would not hold: ${remedy(root)}`,
      );
    if (missing.length > 0)
      return warning(
        found,
        `the kernel has no ${missing.join(" and ")} cgroup: pods run without these limits; take a kernel that has it`,
      );
    return ok(found);
  },
};

function controllersOf(root: string): { version: 1 | 2; controllers: readonly string[] } {
  const unified = join(root, "sys/fs/cgroup/cgroup.controllers");
  if (existsSync(unified)) return { version: 2, controllers: readFileSync(unified, "utf8").trim().split(" ") };
  const lines = readFileSync(join(root, "proc/cgroups"), "utf8").split("\n");
  const rows = lines.filter((line) => line && !line.startsWith("#")).map((line) => line.split("\t"));
  return { version: 1, controllers: rows.filter(([, , , enabled]) => enabled === "1").map(([name = ""]) => name) };
}

/** The words that the boot loader's line lacks, and where that line is. */
function remedy(root: string): string {
  const words = ["cgroup_memory=1", "cgroup_enable=memory"];
  const file = ["/boot/firmware/cmdline.txt", "/boot/cmdline.txt"].find((path) => existsSync(join(root, path)));
  if (!file) return `start it with ${words.join(" ")} on its command line`;
  const line = readFileSync(join(root, file), "utf8").split("\n")[0] ?? "";
  const missing = words.filter((word) => !line.split(/\s+/).includes(word));
  if (missing.length === 0) return `${file} asks for it already: reboot`;
  return `add ${missing.join(" ")} to the end of the one line in ${file}, then reboot`;
}
