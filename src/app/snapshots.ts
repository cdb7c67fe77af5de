import { join } from "node:path";
import { forbidden } from "../api/status.ts";
import type { OpenRoute } from "../apiserver/open-route.ts";
import { systemClock } from "../base/clock.ts";
import { CannotStart } from "../base/lifecycle.ts";
import { noLog } from "../base/log.ts";
import { askAsAdministrator, NotReached } from "../cluster/join.ts";
import { readKubeconfig } from "../cluster/read-kubeconfig.ts";
import {
  listSnapshots,
  putInPlace,
  type Snapshot,
  saveSnapshot,
  setAside,
  snapshotName,
} from "../cluster/snapshots.ts";
import type { DurableStore } from "../store/contract.ts";
import { openStore } from "../store/open.ts";
import { databaseCode } from "./addons.ts";

export { deleteSnapshot, isSchedule, listSnapshots, type Snapshot } from "../cluster/snapshots.ts";

const path = "/v1-skiff/snapshots";
const administrators = "system:masters";

export const databaseDirectory = (dataDirectory: string): string => join(dataDirectory, "server", "db");
export const usualSnapshotDirectory = (dataDirectory: string): string =>
  join(databaseDirectory(dataDirectory), "snapshots");

/** Lets administrators have the database copied by the server that has it open. */
export function snapshotRoute(store: DurableStore, directory: string): OpenRoute {
  return {
    method: "POST",
    path,
    async answer({ user, body }) {
      if (!user.groups.includes(administrators))
        throw forbidden(undefined, "", `User ${JSON.stringify(user.name)} may not copy the database`);
      const { name } = JSON.parse((await body()).toString() || "{}") as { name?: string };
      if (typeof name !== "string") throw new CannotStart("the name of the copy is missing");
      return saveSnapshot(store, directory, name);
    },
  };
}

export interface Places {
  readonly dataDirectory: string;
  readonly directory: string;
  readonly kubeconfig: string;
}

/** Copies the database: by the server that runs, else from its files. */
export async function takeSnapshot(
  { dataDirectory, directory, kubeconfig }: Places,
  prefix: string,
  nodeName: string,
): Promise<Snapshot> {
  const name = snapshotName(prefix, nodeName, systemClock.now());
  try {
    return (await askAsAdministrator(await readKubeconfig(kubeconfig), path, { name })) as Snapshot;
  } catch (error) {
    if (!(error instanceof NotReached) && (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  await using store = await openClosedStore(dataDirectory);
  return await saveSnapshot(store, directory, name);
}

/** Puts a copy in the place of the database of a server that does not run. Where the present one was set aside. */
export async function restoreSnapshot({ dataDirectory, directory }: Places, nameOrFile: string): Promise<string> {
  const file = nameOrFile.includes("/")
    ? nameOrFile
    : (await listSnapshots(directory)).find(({ name }) => name === nameOrFile)?.file;
  if (file === undefined)
    throw new CannotStart(`there is no copy ${nameOrFile} in ${directory}: \`skiff snapshot list\` shows them`);
  // Refused while a server has it open.
  const present = await openClosedStore(dataDirectory).catch((error: unknown) => {
    if ((error as Error).name === "DatabaseInUse")
      throw new CannotStart(
        "the server runs: stop it first (systemctl stop skiff), its database cannot be replaced under it",
      );
    return undefined; // damaged, or newer than this version: that is what copies are for
  });
  await present?.[Symbol.asyncDispose]();
  const aside = await setAside(databaseDirectory(dataDirectory), "before-restore", systemClock.now());
  await putInPlace(databaseDirectory(dataDirectory), file);
  return aside;
}

function openClosedStore(dataDirectory: string): Promise<DurableStore> {
  const code = databaseCode(join(dataDirectory, "server"));
  return openStore(
    { kind: "sqlite", directory: databaseDirectory(dataDirectory), code },
    { clock: systemClock, log: noLog },
  );
}
