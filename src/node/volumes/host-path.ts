import type { Stats } from "node:fs";
import { mkdir, open, stat } from "node:fs/promises";
import type { HostPathVolumeSource } from "../../api/schema/types.ts";
import { ifAbsent } from "../../base/files.ts";

/** Checks, and where its type says so makes, what a hostPath volume names (Kubernetes docs, "Volumes", section "hostPath"). */
export async function prepareHostPath({ path, type = "" }: HostPathVolumeSource): Promise<string> {
  const there = await stat(path).catch(ifAbsent);
  if (type === "DirectoryOrCreate" && !there) await mkdir(path, { recursive: true, mode: 0o755 });
  if (type === "FileOrCreate" && !there) await (await open(path, "a", 0o644)).close();
  const wanted = checks[type.replace("OrCreate", "")];
  const now = there ?? (await stat(path).catch(ifAbsent));
  if (wanted && !(now && wanted.is(now))) throw new Error(`hostPath type check failed: ${path} is not ${wanted.what}`);
  return path;
}

const checks: Readonly<Record<string, { what: string; is: (stats: Stats) => boolean }>> = {
  Directory: { what: "a directory", is: (stats) => stats.isDirectory() },
  File: { what: "a file", is: (stats) => stats.isFile() },
  Socket: { what: "a socket file", is: (stats) => stats.isSocket() },
  CharDevice: { what: "a character device", is: (stats) => stats.isCharacterDevice() },
  BlockDevice: { what: "a block device", is: (stats) => stats.isBlockDevice() },
};
