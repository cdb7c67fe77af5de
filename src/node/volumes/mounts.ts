import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where the kernel has something mounted at or below a directory, innermost first. */
export async function mountsBelow(directory: string): Promise<readonly string[]> {
  const lines = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  return lines
    .map((line) =>
      (line.split(" ")[4] ?? "").replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )
    .filter((path) => path === directory || path.startsWith(`${directory}/`))
    .toReversed();
}

/** A file system in memory, in which everybody may write, and remove only what is their own, as in any such one. */
export async function mountTmpfs(directory: string, { sizeBytes }: { sizeBytes: number | undefined }): Promise<void> {
  const options = ["mode=1777", ...(sizeBytes ? [`size=${sizeBytes}`] : [])].join(",");
  await run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", directory]);
}

/** A file system in huge pages of a size. */
export async function mountHugePages(directory: string, { pageBytes }: { pageBytes: number }): Promise<void> {
  await run("mount", ["-t", "hugetlbfs", "-o", `mode=0777,pagesize=${pageBytes}`, "nodev", directory]);
}

/** What a server shares by NFS. */
export interface NfsShare {
  readonly name: string;
  readonly server: string;
  readonly path: string;
  readonly readOnly?: boolean;
  readonly options: readonly string[];
}

/** @throws an Error with what mount says: that nobody answers, or that the machine lacks what NFS needs */
export async function mountNfs(
  directory: string,
  { server, path, readOnly = false, options }: NfsShare,
): Promise<void> {
  const given = [...(readOnly ? ["ro"] : []), ...options].join(",");
  const host = server.includes(":") && !server.startsWith("[") ? `[${server}]` : server;
  await run("mount", ["-t", "nfs", ...(given ? ["-o", given] : []), `${host}:${path}`, directory]);
}

export async function unmount(path: string): Promise<void> {
  await run("umount", [path]).catch((error: Error) => {
    if (!/not mounted|no mount point/.test(error.message)) throw error;
  });
}

/** What a directory takes up on its file system; what is mounted below it does not count. */
export async function sizeOnDisk(directory: string): Promise<number> {
  // What is removed meanwhile makes du complain and end with 1; the sum holds.
  const { stdout } = await run("du", ["-skx", directory]).catch((error: { stdout?: string }) => {
    if (!error.stdout) throw error;
    return { stdout: error.stdout };
  });
  return Number(/^\d+/.exec(stdout)?.[0] ?? 0) * 1024;
}
