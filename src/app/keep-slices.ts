import { execFile } from "node:child_process";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ifAbsent, readIfThere, writeWhole } from "../base/files.ts";
import type { Log } from "../base/log.ts";

/** What is said of units here holds until the next reboot; skiff-killall.sh takes it away. */
const unitFolder = "/run/systemd/system";
const about = ["kubepods.slice.d", "kubepods-.slice.d"];
const words = `# Made by skiff: when the machine goes down, pods end by its hand, and what is left by Docker's, not by systemd's before.
[Unit]
DefaultDependencies=no
`;

const reloadSystemd = () => promisify(execFile)("systemctl", ["daemon-reload"]);

/**
 * With systemd as Docker's cgroup driver containers lie in slices, which systemd would stop, containers and all, as soon as the
 * machine goes down: before preStop hooks, and while skiff still starts anew what ends.
 */
export async function keepSlices(
  cgroupDriver: string,
  { log, folder = unitFolder, reload = reloadSystemd }: { log: Log; folder?: string; reload?: () => Promise<unknown> },
): Promise<void> {
  if (cgroupDriver !== "systemd" || !(await stat(folder).catch(ifAbsent))) return;
  const files = about.map((name) => join(folder, name, "skiff.conf"));
  const there = await Promise.all(files.map(readIfThere));
  if (there.every((text) => text === words)) return;
  try {
    for (const name of about) await mkdir(join(folder, name), { recursive: true });
    for (const file of files) await writeWhole(file, words, 0o644);
    await reload();
  } catch (error) {
    log.warn("systemd was not told to leave pods to skiff: in a shutdown it may end them first", { error });
  }
}
