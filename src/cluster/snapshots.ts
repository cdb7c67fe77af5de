import { copyFile, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { schedule, validate } from "node-cron";
import { ifAbsent, readIfThere, writeWhole } from "../base/files.ts";
import { CannotStart } from "../base/lifecycle.ts";
import type { Log } from "../base/log.ts";
import type { DurableStore } from "../store/contract.ts";

/** A copy of the database. */
export interface Snapshot {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly takenMs: number;
}

const ending = ".db";
const namePattern = /^[a-z0-9][a-z0-9._-]{0,200}$/i;
const databaseFile = "state.db";
const restoredFile = "restored";

/** The newest first. */
export async function listSnapshots(directory: string): Promise<Snapshot[]> {
  const names = ((await readdir(directory).catch(ifAbsent)) ?? []).filter((name) => name.endsWith(ending));
  const found = await Promise.all(
    names.map(async (name): Promise<Snapshot[]> => {
      const file = join(directory, name);
      // The schedule may take one away at any time.
      const there = await stat(file).catch(ifAbsent);
      return there ? [{ name: name.slice(0, -ending.length), file, bytes: there.size, takenMs: there.mtimeMs }] : [];
    }),
  );
  return found.flat().sort((a, b) => b.takenMs - a.takenMs);
}

/** Copies the database while it is in use. What is there under this name is whole, whenever the power fails. */
export async function saveSnapshot(store: DurableStore, directory: string, name: string): Promise<Snapshot> {
  if (!namePattern.test(name))
    throw new CannotStart(`${JSON.stringify(name)} is no name of a snapshot: letters, digits and . _ -`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, `${name}${ending}`);
  const partial = join(directory, `.${name}.partial`);
  await rm(partial, { force: true });
  try {
    await store.backup(partial);
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  const { size, mtimeMs } = await stat(file);
  return { name, file, bytes: size, takenMs: mtimeMs };
}

/** Removes all but the newest of those whose names begin so. */
export async function pruneSnapshots(directory: string, prefix: string, keep: number): Promise<void> {
  const ofSort = (await listSnapshots(directory)).filter(({ name }) => name.startsWith(prefix));
  for (const { file } of ofSort.slice(keep)) await rm(file, { force: true });
}

/** False when there is none of this name. */
export async function deleteSnapshot(directory: string, name: string): Promise<boolean> {
  const found = (await listSnapshots(directory)).find((snapshot) => snapshot.name === name);
  if (found) await rm(found.file);
  return found !== undefined;
}

/** Sets the database aside, with its log, in a directory of its own beside it. The name of that directory. */
export async function setAside(databaseDirectory: string, why: string, nowMs: number): Promise<string> {
  const aside = join(databaseDirectory, `${why}-${new Date(nowMs).toISOString().replaceAll(/[:.]/g, "-")}`);
  await mkdir(aside, { recursive: true, mode: 0o700 });
  for (const name of await databaseFiles(databaseDirectory))
    await rename(join(databaseDirectory, name), join(aside, name));
  return aside;
}

/** Puts a copy in the place of the database, which was set aside before. */
export async function putInPlace(databaseDirectory: string, file: string): Promise<void> {
  const partial = join(databaseDirectory, ".restored.partial");
  await copyFile(file, partial);
  for (const name of await databaseFiles(databaseDirectory)) await rm(join(databaseDirectory, name));
  await writeWhole(join(databaseDirectory, restoredFile), "now\n");
  await rename(partial, join(databaseDirectory, databaseFile));
}

/** Before which revision the database does not know all that happened, because it was put back to an earlier state. */
export async function readForgotten(databaseDirectory: string): Promise<number | "now" | undefined> {
  const text = (await readIfThere(join(databaseDirectory, restoredFile)))?.trim();
  return text === "now" ? text : text === undefined ? undefined : Number(text);
}

/** The database was opened at this revision: what was before its restoration is from now on told by it. */
export async function noteForgotten(databaseDirectory: string, revision: number): Promise<void> {
  await writeWhole(join(databaseDirectory, restoredFile), `${revision}\n`);
}

async function databaseFiles(databaseDirectory: string): Promise<string[]> {
  return (await readdir(databaseDirectory)).filter((name) => name.startsWith(databaseFile));
}

export interface SnapshotSchedule {
  /** When, in the five fields of cron. */
  readonly cron: string;
  /** How many scheduled ones are kept. */
  readonly keep: number;
}

export const scheduledPrefix = "scheduled-";

export function isSchedule(cron: string): boolean {
  return cron.trim().split(/\s+/).length === 5 && validate(cron);
}

/** Copies the database on a schedule until disposed of. */
export function scheduleSnapshots(
  { cron, keep }: SnapshotSchedule,
  { store, directory, nodeName, log }: { store: DurableStore; directory: string; nodeName: string; log: Log },
): AsyncDisposable {
  const task = schedule(
    cron,
    async () => {
      try {
        const { name, bytes } = await saveSnapshot(
          store,
          directory,
          snapshotName(scheduledPrefix, nodeName, Date.now()),
        );
        await pruneSnapshots(directory, scheduledPrefix, keep);
        log.info("the database was copied", { name, bytes });
      } catch (error) {
        log.error("the database could not be copied", { error });
      }
    },
    { noOverlap: true, unref: true },
  );
  return { [Symbol.asyncDispose]: async () => void (await task.destroy()) };
}

/** "on-demand-shelf-1-1767225600" */
export function snapshotName(prefix: string, nodeName: string, nowMs: number): string {
  return `${prefix}${nodeName}-${Math.floor(nowMs / 1000)}`;
}
