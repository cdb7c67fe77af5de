import { constants, mkdirSync, openSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { assetBytes, assetText } from "../base/assets.ts";
import type { DiskOptions } from "../store/open.ts";

// Linux: a file without a name, gone with the process (open(2), O_TMPFILE). O_DIRECTORY differs between architectures.
const nameless = 0o20000000 | constants.O_DIRECTORY;

/**
 * The database thread's code and SQLite itself, as the executable brings them. Undefined when skiff runs from its sources.
 * The addon is given to the loader through a file without a name: nothing is left on the disk, whatever happens.
 */
export function databaseCode(directory: string): DiskOptions["code"] {
  const source = assetText("writer.worker.cjs");
  const addon = assetBytes("better_sqlite3.node");
  if (source === undefined || addon === undefined) return undefined;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = openNameless(directory);
  for (let at = 0; at < addon.length; ) at += writeSync(file, addon, at);
  return { source, addonFile: `/proc/self/fd/${file}` };
}

function openNameless(directory: string): number {
  try {
    return openSync(directory, constants.O_RDWR | nameless, 0o700);
  } catch (error) {
    // Some file systems know no such files (vfat, NFS, overlayfs of older kernels).
    if (!["EOPNOTSUPP", "EISDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    const name = join(directory, `.addon-${process.pid}`);
    const file = openSync(name, "w+", 0o700);
    unlinkSync(name);
    return file;
  }
}
