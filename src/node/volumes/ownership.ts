import { chmod, lchown, lstat, opendir, stat } from "node:fs/promises";
import { join } from "node:path";

const readWrite = 0o660;
const execute = 0o110;
const setGroup = 0o2000;

/**
 * Gives a volume with all that is in it to a group (Kubernetes docs, "Configure a Security Context for a Pod or Container",
 * section on fsGroupChangePolicy). With "OnRootMismatch" a volume whose root belongs to the group already is left as it is.
 */
export async function shareWithGroup(
  root: string,
  { group, policy = "Always" }: { group: number; policy?: string | undefined },
): Promise<void> {
  if (policy === "OnRootMismatch" && (await isShared(root, group))) return;
  await shareOne(root, group);
  if ((await stat(root)).isDirectory()) await shareBelow(root, group);
}

async function isShared(root: string, group: number): Promise<boolean> {
  const found = await stat(root);
  const wanted = readWrite | execute | setGroup;
  return found.isDirectory() && found.gid === group && (found.mode & wanted) === wanted;
}

async function shareBelow(directory: string, group: number): Promise<void> {
  for await (const entry of await opendir(directory)) {
    const path = join(directory, entry.name);
    await shareOne(path, group);
    if (entry.isDirectory()) await shareBelow(path, group);
  }
}

/** What is right already is not touched: a change of nothing would still be a write to the card. */
async function shareOne(path: string, group: number): Promise<void> {
  const found = await lstat(path);
  if (found.gid !== group) await lchown(path, found.uid, group);
  // A link has no mode of its own; what it leads to may lie outside.
  if (found.isSymbolicLink()) return;
  const mode = found.mode & 0o7777;
  const wanted = mode | readWrite | (found.isDirectory() ? execute | setGroup : 0);
  if (wanted !== mode || found.gid !== group) await chmod(path, wanted);
}
