import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { builtinKinds } from "../api/kinds/all.ts";
import { qualified } from "../api/status.ts";
import { readIfThere, writeWhole } from "../base/files.ts";
import { CannotStart } from "../base/lifecycle.ts";
import {
  listSnapshots,
  noteForgotten,
  pruneSnapshots,
  putInPlace,
  readForgotten,
  type Snapshot,
  saveSnapshot,
  setAside,
} from "../cluster/snapshots.ts";
import { DamagedDatabase, type DurableStore, NewerFormat } from "../store/contract.ts";
import { type DiskOptions, databaseName, openStore, type StoreSurroundings } from "../store/open.ts";

export interface OpenDatabase extends AsyncDisposable {
  readonly store: DurableStore;
  /** Set when the database was damaged and a copy took its place: what people are to be told. */
  readonly replaced: string | undefined;
}

export interface DatabaseOptions {
  readonly directory: string;
  readonly snapshotDirectory: string;
  readonly code: DiskOptions["code"];
  /** Of this executable. */
  readonly version: string;
  readonly surroundings: StoreSurroundings;
}

const versionFile = "written-by";
const upgradePrefix = "before-upgrade-";
const upgradesKept = 2;
/** Of the kinds that are not on the disk at once: what is kept in memory needs no room there. */
const volatileBuckets = builtinKinds.filter(({ durability }) => durability).map(qualified);

/**
 * Opens the database. A damaged one is set aside and the newest copy that is whole takes its place. Before a version opens what
 * another wrote, a copy is kept.
 */
export async function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  const { directory, snapshotDirectory, code, surroundings } = options;
  const open = async () => {
    const forgetBefore = await readForgotten(directory);
    const opened = await openStore({ kind: "sqlite", directory, code, forgetBefore, volatileBuckets }, surroundings);
    if (forgetBefore === "now") await noteForgotten(directory, opened.revision);
    return opened;
  };
  let store: DurableStore;
  let replaced: string | undefined;
  try {
    store = await open();
  } catch (error) {
    if (error instanceof NewerFormat) throw await withCopy(error, snapshotDirectory);
    if (!(error instanceof DamagedDatabase)) throw error;
    const copies = await listSnapshots(snapshotDirectory);
    const found = await openNewestWhole(error, copies, { directory, open, surroundings });
    store = found.store;
    replaced = `The database was damaged. It was set aside as ${found.aside}, and the copy ${found.copy.name} of ${new Date(found.copy.takenMs).toISOString()} took its place: what was written after it is lost.`;
    surroundings.log.error(replaced, { damage: error.message });
  }
  await keepCopyOfOtherVersion(store, options);
  return { store, replaced, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

async function openNewestWhole(
  damage: DamagedDatabase,
  copies: readonly Snapshot[],
  parts: { directory: string; open: () => Promise<DurableStore>; surroundings: StoreSurroundings },
): Promise<{ store: DurableStore; copy: Snapshot; aside: string }> {
  const { directory, open, surroundings } = parts;
  if (copies.length === 0) throw damage;
  const aside = await setAside(directory, "damaged", surroundings.clock.now());
  for (const copy of copies) {
    await putInPlace(directory, copy.file);
    try {
      return { store: await open(), copy, aside };
    } catch (error) {
      if (!(error instanceof DamagedDatabase)) throw error;
      surroundings.log.warn("a copy of the database is damaged too", { copy: copy.name });
    }
  }
  // Nothing is better than what was there: it is left where it was for whoever repairs it.
  await rm(join(directory, databaseName), { force: true });
  for (const name of [databaseName, `${databaseName}-wal`])
    await rename(join(aside, name), join(directory, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
  throw damage;
}

async function keepCopyOfOtherVersion(store: DurableStore, options: DatabaseOptions): Promise<void> {
  const { directory, snapshotDirectory, version, surroundings } = options;
  const file = join(directory, versionFile);
  const before = (await readIfThere(file))?.trim();
  if (before === version) return;
  if (before !== undefined) {
    const name = `${upgradePrefix}${before.replaceAll(/[^\w.-]/g, "_")}-${Math.floor(surroundings.clock.now() / 1000)}`;
    await saveSnapshot(store, snapshotDirectory, name);
    await pruneSnapshots(snapshotDirectory, upgradePrefix, upgradesKept);
    surroundings.log.info("another version of skiff wrote the database; a copy of it is kept", { before, name });
  }
  await writeWhole(file, `${version}\n`);
}

/** An older executable is told where the state from before the upgrade lies. */
async function withCopy(error: NewerFormat, snapshotDirectory: string): Promise<CannotStart> {
  const copy = (await listSnapshots(snapshotDirectory)).find(({ name }) => name.startsWith(upgradePrefix));
  if (!copy) return error;
  return new CannotStart(
    `${error.message}. The state from before the upgrade lies in ${copy.file}: \`skiff snapshot restore ${copy.name}\` goes back to it`,
  );
}

/** Says on the API that a copy took the database's place, where whoever looks after the cluster reads it. */
export function replacementEvent(note: string, nowText: string) {
  return {
    metadata: { namespace: "kube-system", generateName: "database-replaced-" },
    involvedObject: { apiVersion: "v1", kind: "Namespace", name: "kube-system", namespace: "kube-system" },
    type: "Warning",
    reason: "DatabaseReplaced",
    message: note.slice(0, 1024),
    source: { component: "skiff" },
    firstTimestamp: nowText,
    lastTimestamp: nowText,
    count: 1,
  };
}
