import { chmod, mkdir, realpath, rm } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { ifAbsent } from "../../base/files.ts";
import { mountsBelow } from "../volumes/mounts.ts";

/** A volume's directory, and the one below which it lies. */
export interface Place {
  readonly root: string;
  readonly path: string;
}

/** Makes a volume's directory. Pods of any user write into it; those on the way to it show nothing to others. */
export async function makeDirectory(place: Place): Promise<void> {
  const { root, path } = place;
  await mkdir(root, { recursive: true, mode: 0o701 });
  await mkdir(dirname(path), { recursive: true, mode: 0o701 });
  await refuseLinks(place);
  await mkdir(path, { recursive: true });
  await chmod(path, 0o777);
}

/** Erases a volume's directory with all that is in it. What is mounted in it is not: that would be somebody else's data. */
export async function eraseDirectory(place: Place): Promise<void> {
  const { path } = place;
  if (!path.startsWith("/") || path === "/") throw new Error(`${JSON.stringify(path)} is no directory of a volume`);
  if ((await realpath(dirname(path)).catch(ifAbsent)) === undefined) return;
  await refuseLinks(place);
  const [mount] = await mountsBelow(path);
  if (mount !== undefined) throw new Error(`${mount} is mounted in it`);
  await rm(path, { recursive: true, force: true });
}

/** The root may be a link to another disk. Below it lie volumes, whose pods can leave links: they lead nowhere. */
async function refuseLinks({ root, path }: Place): Promise<void> {
  const parent = dirname(path);
  const way = relative(await realpath(root), await realpath(parent));
  if (way !== relative(root, parent)) throw new Error(`the way to ${path} leads through a link`);
}
