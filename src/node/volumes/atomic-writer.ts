import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { ifAbsent } from "../../base/files.ts";

/** A file of a volume that skiff fills. */
export interface ProjectedFile {
  readonly content: Buffer;
  readonly mode: number;
}

const dataLink = "..data";

/**
 * Makes a directory show exactly these files (path → file), all of them at once: they lie in a directory of their own, to
 * which the link `..data` is turned when it is complete; what users see are links through `..data`. Readers that watch the
 * directory see one change (Kubernetes docs, "ConfigMaps", section "Mounted ConfigMaps are updated automatically").
 * Writes nothing when nothing changed. Resolves with whether something did.
 */
export async function writeAtomically(
  directory: string,
  files: ReadonlyMap<string, ProjectedFile>,
  { fsGroup }: { fsGroup?: number | undefined } = {},
): Promise<boolean> {
  const current = await readlink(join(directory, dataLink)).catch(ifAbsent);
  if (current !== undefined && (await holds(join(directory, current), files))) return false;

  const fresh = await mkdtemp(join(directory, `..${new Date().toISOString().replaceAll(/[-:TZ]/g, "_")}`));
  await chmod(fresh, 0o755);
  for (const [path, { content, mode }] of files) await writeOne(fresh, path, { content, mode }, fsGroup);
  if (fsGroup !== undefined) await giveToGroup(fresh, fsGroup);

  const name = fresh.slice(directory.length + 1);
  await symlink(name, join(directory, `${dataLink}_tmp`));
  await rename(join(directory, `${dataLink}_tmp`), join(directory, dataLink));
  await showOnly(directory, new Set([...files.keys()].map((path) => path.split("/")[0] ?? "")));
  if (current !== undefined) await rm(join(directory, current), { recursive: true, force: true });
  return true;
}

async function writeOne(
  root: string,
  path: string,
  { content, mode }: ProjectedFile,
  fsGroup: number | undefined,
): Promise<void> {
  const target = join(root, path);
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  await writeFile(target, content);
  // A group that shares the volume must be able to read it.
  await chmod(target, fsGroup === undefined ? mode : mode | 0o440);
  if (fsGroup !== undefined) await chown(target, 0, fsGroup);
}

async function giveToGroup(directory: string, group: number): Promise<void> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) await chown(join(entry.parentPath, entry.name), 0, group);
  }
  await chown(directory, 0, group);
  await chmod(directory, 0o2755);
}

async function holds(directory: string, files: ReadonlyMap<string, ProjectedFile>): Promise<boolean> {
  const entries = (await readdir(directory, { recursive: true, withFileTypes: true }).catch(ifAbsent)) ?? [];
  const paths = new Set(
    entries
      .filter((each) => !each.isDirectory())
      .map(({ parentPath, name }) => relative(directory, join(parentPath, name))),
  );
  if (paths.size !== files.size) return false;
  for (const [path, { content }] of files) {
    if (!paths.has(path) || !(await readFile(join(directory, path))).equals(content)) return false;
  }
  return true;
}

/** Links every name to its place behind `..data`, and takes away the links of names that are gone. */
async function showOnly(directory: string, names: ReadonlySet<string>): Promise<void> {
  for (const name of names) {
    const link = join(directory, name);
    const there = await lstat(link).catch(ifAbsent);
    if (!there) await symlink(join(dataLink, name), link);
  }
  for (const name of await readdir(directory)) {
    if (!name.startsWith("..") && !names.has(name)) await rm(join(directory, name), { force: true });
  }
}
