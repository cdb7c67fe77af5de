import { existsSync, mkdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
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

/** Leaves not one byte free on the card. */
export async function fillCard({ directory }: { directory: string }): Promise<void> {
  const { bavail, bsize } = statfsSync(diskOf(directory));
  await run("fallocate", ["-l", String(bavail * bsize), ballastOf(directory)]);
  await run("dd", ["if=/dev/zero", `of=${ballastOf(directory)}.rest`, "bs=1k", "status=none"]);
}

export function freeCard({ directory }: { directory: string }): void {
  for (const file of [ballastOf(directory), `${ballastOf(directory)}.rest`]) rmSync(file, { force: true });
}

/** Lets every write to the card wait for so long, as a worn card does now and then. */
export async function stallCard({ directory }: { directory: string }, seconds: number): Promise<void> {
  await must("fsfreeze", ["-f", diskOf(directory)]);
  try {
    await sleep(seconds * 1000);
  } finally {
    await goOn(directory);
  }
}

const goOn = (directory: string) => run("fsfreeze", ["-u", diskOf(directory)]);
