import { closeSync, constants, mkdirSync, openSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { assetBytes, assetText } from "../base/assets.ts";
import { CannotStartYet } from "../base/lifecycle.ts";
import type { DiskOptions } from "../store/open.ts";

// Linux: a file without a name, gone with the process (open(2), O_TMPFILE). O_DIRECTORY differs between architectures.
const nameless = 0o20000000 | constants.O_DIRECTORY;

/** The database thread's code and SQLite itself, as the executable brings them. Undefined when skiff runs from its sources. */
export function databaseCode(directory: string): DiskOptions["code"] {
  const source = assetText("writer.worker.cjs");
  const addonFile = fileOfAddon("better_sqlite3.node", directory);
  return source === undefined || addonFile === undefined ? undefined : { source, addonFile };
}

/** What native/memory.c offers. */
export interface MemoryAddon {
  /** Gives the free pages of malloc's heaps back to the kernel. */
  trimHeap(): void;
  /** Forgets the pages of the executable; those that are needed again come back one by one. */
  letGoOfProgram(): void;
}

/** The addon for memory, which the executable brings. Undefined when skiff runs from its sources. */
export function memoryAddon(directory: string): MemoryAddon | undefined {
  const file = fileOfAddon("memory.node", directory);
  if (file === undefined) return undefined;
  const module = { exports: {} };
  process.dlopen(module, file);
  return module.exports as MemoryAddon;
}

/** Those of this process, by name: they stay open. */
const written = new Map<string, string>();

/** In memory: for addons while the disk is full. */
const sharedMemory = "/dev/shm";

/** An addon is given to the loader through a file without a name: nothing is left on the disk, whatever happens. */
function fileOfAddon(name: string, directory: string): string | undefined {
  const addon = assetBytes(name);
  if (addon === undefined) return undefined;
  const there = written.get(name);
  if (there !== undefined) return there;
  for (const place of [directory, sharedMemory]) {
    try {
      const file = writeNameless(addon, place);
      written.set(name, file);
      return file;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
  }
  throw new CannotStartYet(`no space is left on the disk of ${directory}: make room`);
}

function writeNameless(bytes: Uint8Array, directory: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = openNameless(directory);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return `/proc/self/fd/${file}`;
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
