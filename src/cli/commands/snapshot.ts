import { hostname } from "node:os";
import { resolve } from "node:path";
import { defaultDataDirectory, defaultKubeconfig } from "../../app/paths.ts";
import {
  deleteSnapshot,
  listSnapshots,
  type Places,
  restoreSnapshot,
  type Snapshot,
  takeSnapshot,
  usualSnapshotDirectory,
} from "../../app/snapshots.ts";
import { runAction } from "../actions.ts";
import { type Command, type Io, UsageError } from "../command.ts";
import { sharedFlags } from "../shared-flags.ts";
import { textTable } from "../table.ts";
import type { Values } from "../values.ts";

export const snapshot: Command = {
  name: "snapshot",
  summary: "copy the database, list, restore and delete copies",
  about: [
    "`save` copies the database while the server runs. The server does so by itself every 12 hours and keeps 5 (--snapshot-schedule-cron, --snapshot-retention of `skiff server`).",
    "`restore` puts a copy in the database's place while the server is stopped; the present one is set aside. A copy holds all Secrets of the cluster: keep it as you keep those.",
  ],
  operands: "save | list | restore NAME | delete NAME…",
  flags: [
    { name: "name", value: "NAME", does: "how the name of a new copy begins", defaultText: "on-demand" },
    { ...sharedFlags.dataDir, does: "the server's data" },
    { ...sharedFlags.snapshotDir, does: "where the copies lie" },
    { ...sharedFlags.kubeconfig, does: "how the server is asked" },
  ],
  examples: [
    { line: "skiff snapshot save", does: "a copy now" },
    { line: "skiff snapshot list", does: "what there is" },
  ],
  run: runAction("snapshot", {
    save: async ({ values, io }) => {
      const { name, file } = await takeSnapshot(
        placesFrom(values),
        `${values.text("name") ?? "on-demand"}-`,
        hostname(),
      );
      io.out(`${name} is saved as ${file}\n`);
      return 0;
    },
    list: async ({ values, io }) => {
      io.out(table(await listSnapshots(placesFrom(values).directory)));
      return 0;
    },
    restore: ({ operands, values, io }) => restore(placesFrom(values), operands, io),
    delete: ({ operands, values, io }) => deleteAll(placesFrom(values), operands, io),
  }),
};

function placesFrom(values: Values): Places {
  const dataDirectory = resolve(values.text("data-dir") ?? defaultDataDirectory());
  return {
    dataDirectory,
    directory: resolve(values.text("snapshot-dir") ?? usualSnapshotDirectory(dataDirectory)),
    kubeconfig: values.text("kubeconfig") ?? defaultKubeconfig(),
  };
}

async function restore(places: Places, names: readonly string[], io: Io): Promise<number> {
  const [name, ...more] = names;
  if (name === undefined || more.length > 0)
    throw new UsageError("skiff snapshot restore NAME: which one? `skiff snapshot list` shows them");
  const aside = await restoreSnapshot(places, name);
  io.out(`${name} is in the database's place; what was there lies in ${aside}. Start the server again.\n`);
  return 0;
}

async function deleteAll(places: Places, names: readonly string[], io: Io): Promise<number> {
  if (names.length === 0) throw new UsageError("skiff snapshot delete NAME…: which? `skiff snapshot list` shows them");
  for (const name of names) {
    if (!(await deleteSnapshot(places.directory, name)))
      throw new UsageError(`there is no copy ${name} in ${places.directory}: \`skiff snapshot list\` shows them`, 1);
    io.out(`${name} is deleted\n`);
  }
  return 0;
}

function table(snapshots: readonly Snapshot[]): string {
  const rows = snapshots.map(({ name, bytes, takenMs }) => [
    name,
    new Date(takenMs).toISOString().slice(0, 19).replace("T", " "),
    bytes < 1 << 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`,
  ]);
  return textTable([["NAME", "TAKEN (UTC)", "SIZE"], ...rows]);
}
