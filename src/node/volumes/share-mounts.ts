import { execFile } from "node:child_process";
import { appendFile, mkdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Log } from "../../base/log.ts";
import { mountsBelow } from "./mounts.ts";

const run = promisify(execFile);

/** Which directories were mounted on themselves lies here, for skiff-killall.sh. */
const noteName = "shared-mounts";

/**
 * Lets mounts that pods make below these directories reach the machine and other pods where they ask for that (Kubernetes docs,
 * "Mount propagation"): drivers and FUSE need it. systemd makes every mount shared; under another init directories that are no mounts are
 * mounted on themselves for it, as kubelet does with its own.
 */
export async function shareMountsBelow(
  directories: readonly string[],
  { memoryDirectory, log }: { memoryDirectory: string; log: Log },
): Promise<void> {
  for (const directory of directories) {
    try {
      await mkdir(directory, { recursive: true, mode: 0o750 });
      const path = await realpath(directory);
      if (isShared(path, await readFile("/proc/self/mountinfo", "utf8"))) continue;
      if (!(await mountsBelow(path)).includes(path)) {
        await run("mount", ["--rbind", path, path]);
        await appendFile(join(memoryDirectory, noteName), `${path}\n`);
      }
      await run("mount", ["--make-rshared", path]);
    } catch (error) {
      log.warn("mounts that pods make will not reach other pods", { below: directory, error });
    }
  }
}

/** Whether what is mounted below a path is seen by those who have the same mount (proc(5), /proc/PID/mountinfo: "shared:"). */
export function isShared(path: string, mountInfo: string): boolean {
  const mounts = mountInfo
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , , , point = ""]) => point !== "" && (point === "/" || `${path}/`.startsWith(`${point}/`)));
  // The deepest one holds the path; of several at one place the last hides the others.
  const holder = mounts.reduce<readonly string[] | undefined>(
    (deepest, mount) => ((mount[4]?.length ?? 0) >= (deepest?.[4]?.length ?? 0) ? mount : deepest),
    undefined,
  );
  const options = holder?.slice(6, holder.indexOf("-")) ?? [];
  return options.some((option) => option.startsWith("shared:"));
}
