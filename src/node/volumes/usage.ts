import { statfs } from "node:fs/promises";
import { ifAbsent } from "../../base/files.ts";
import type { Fill } from "../csi/driver.ts";
import { sizeOnDisk } from "./mounts.ts";

/** How full a volume of a pod is. */
export interface VolumeUsage extends Fill {
  /** As the pod calls it. */
  readonly name: string;
  /** The claim behind it, if there is one. */
  readonly claimName: string | undefined;
}

/** How full the file system is on which a directory lies; undefined when there is no such directory. */
export async function filledFileSystem(path: string): Promise<Fill | undefined> {
  const disk = await statfs(path).catch(ifAbsent);
  return (
    disk && {
      availableBytes: disk.bavail * disk.bsize,
      capacityBytes: disk.blocks * disk.bsize,
      usedBytes: (disk.blocks - disk.bfree) * disk.bsize,
      inodesFree: disk.ffree,
      inodes: disk.files,
      inodesUsed: disk.files - disk.ffree,
    }
  );
}

/** What a directory holds of the file system that it shares with others. */
export async function filledDirectory(path: string): Promise<Fill | undefined> {
  const whole = await filledFileSystem(path);
  if (!whole) return undefined;
  const { inodesUsed: _, ...rest } = whole;
  return { ...rest, usedBytes: await sizeOnDisk(path) };
}
