import { existsSync, mkdirSync, rmSync, statfsSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Machine } from "./machine.ts";
import { must, run } from "./run.ts";

const diskOf = (directory: string): string => join(directory, "disk");
const ballastOf = (directory: string): string => join(diskOf(directory), "ballast");

/** Gives a machine's directory a card for its disk: a small file system in a file. */
export async function insertCard(directory: string, megabytes: number): Promise<void> {
  const image = join(directory, "card");
  mkdirSync(diskOf(directory));
  await must("truncate", ["-s", `${megabytes}M`, image]);
  await must("mkfs.ext4", ["-q", "-F", "-m", "0", image]);
  await must("mount", ["-o", "loop", image, diskOf(directory)]);
}

/** Harmless where there is no card. */
export async function removeCard(directory: string): Promise<void> {
  if (!existsSync(join(directory, "card"))) return;
  await goOn(directory);
  await run("umount", ["-l", diskOf(directory)]);
}

/** A disk of its own for one directory of a machine, which can be pulled out and put in again. */
export interface Disk {
  /** Mounts it where it belongs. */
  putIn(): Promise<void>;
  /** Pulls it out of the running machine: whatever is asked of it from now on is an input/output error. It stays mounted. */
  pullOut(): Promise<void>;
  /** Takes the mount away; files that are open stay so. */
  unmount(): Promise<void>;
}

type Place = Pick<Machine, "directory" | "must">;

/** Makes one; it is not put in yet. */
export async function aDisk(machine: Place, path: string, megabytes: number): Promise<Disk> {
  const image = join(machine.directory, `disk-${basename(path)}`);
  await must("truncate", ["-s", `${megabytes}M`, image]);
  await must("mkfs.ext4", ["-q", "-F", "-m", "0", image]);
  let wasPulledOut = false;
  // What was pulled out comes back as another device; the old one is gone when nobody has a file of it open any more.
  const another = `l=$(losetup --find --show ${image}) && mount $l ${path} && losetup -d $l`;
  return {
    async putIn() {
      await machine.must("sh", [
        "-c",
        `mkdir -p ${path} && ${wasPulledOut ? another : `mount -o loop ${image} ${path}`}`,
      ]);
      wasPulledOut = false;
    },
    // FS_IOC_SHUTDOWN, without writing out what the file system still has in memory.
    async pullOut() {
      const shutDown = `fcntl.ioctl(os.open("${path}", os.O_RDONLY), 0x8004587d, struct.pack("I", 2))`;
      await machine.must("python3", ["-c", `import fcntl, os, struct; ${shutDown}`]);
      wasPulledOut = true;
    },
    unmount: async () => void (await machine.must("umount", ["-l", path])),
  };
}

/** Leaves not one byte free on the card. */
export async function fillCard({ directory }: { directory: string }): Promise<void> {
  const { bavail, bsize } = statfsSync(diskOf(directory));
  await run("fallocate", ["-l", String(bavail * bsize), ballastOf(directory)]);
  await run("dd", ["if=/dev/zero", `of=${ballastOf(directory)}.rest`, "bs=1k", "status=none"]);
}

export function freeCard({ directory }: { directory: string }): void {
  for (const file of [ballastOf(directory), `${ballastOf(directory)}.rest`]) rmSync(file, { force: true });
}

/**
 * Lets every write to the card wait, as a worn card does now and then: while something is looked at, and for so long at least.
 * Resolves with what that resolves with.
 */
export async function stallCard<T>(
  { directory }: { directory: string },
  seconds: number,
  meanwhile: () => Promise<T>,
): Promise<T> {
  await must("fsfreeze", ["-f", diskOf(directory)]);
  try {
    const [seen] = await Promise.all([meanwhile(), sleep(seconds * 1000)]);
    return seen;
  } finally {
    await goOn(directory);
  }
}

const goOn = (directory: string) => run("fsfreeze", ["-u", diskOf(directory)]);
