import { constants, mkdirSync, openSync, writeSync } from "node:fs";
import { assetBytes, assetText } from "../base/assets.ts";
import type { DiskOptions } from "../store/open.ts";

// Linux: a file without a name, gone with the process (open(2), O_TMPFILE).
const nameless = 0o20200000;

/**
 * The database thread's code and SQLite itself, as the executable brings them. Undefined when skiff runs from its sources.
 * The addon is given to the loader through a file without a name: nothing is left on the disk, whatever happens.
 */
export function databaseCode(directory: string): DiskOptions["code"] {
  const source = assetText("writer.worker.cjs");
  const addon = assetBytes("better_sqlite3.node");
  if (source === undefined || addon === undefined) return undefined;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = openSync(directory, constants.O_RDWR | nameless, 0o700);
  for (let at = 0; at < addon.length; ) at += writeSync(file, addon, at);
  return { source, addonFile: `/proc/self/fd/${file}` };
}
