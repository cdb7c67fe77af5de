import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { skiffProgram } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { must, run } from "../support/run.ts";
import { serverFlags, startServer, type TestServer } from "../support/server.ts";

// Begins first and is looked at last: the next full minute may be a minute away.
let scheduled: TestServer;
let earlier: string[];
beforeAll(async () => {
  scheduled = await startServer({ flags: ["--snapshot-schedule-cron", "* * * * *", "--snapshot-retention", "1"] });
  await must(skiffProgram[0], snapshotIn(scheduled.directory, "save", "--name", "scheduled"));
  // Of two, when a minute began just now, one goes.
  earlier = await eventually(async () => {
    const copies = await copiesIn(scheduled.directory);
    expect(copies).toEqual([expect.stringMatching(/^scheduled-/)]);
    return copies;
  });
});
afterAll(() => scheduled?.[Symbol.asyncDispose]());

let directory: string;
let server: TestServer | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "skiff-snapshots-"));
});
afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
  rmSync(directory, { recursive: true, force: true });
});

const database = (...names: string[]) => join(directory, "data/server/db", ...names);
const snapshotIn = (place: string, ...args: string[]) => [
  ...skiffProgram.slice(1),
  "snapshot",
  ...args,
  "--data-dir",
  join(place, "data"),
  "--kubeconfig",
  join(place, "kubeconfig"),
];
const snapshot = (...args: string[]) => snapshotIn(directory, ...args);
const snapshots = (...args: string[]) => must(skiffProgram[0], snapshot(...args));
/** The names of the copies, the newest first. */
const copiesIn = async (place: string) =>
  (await must(skiffProgram[0], snapshotIn(place, "list")))
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(" ")[0] ?? "");
const newest = async () => (await copiesIn(directory))[0] ?? "";
const start = async (...flags: string[]): Promise<TestServer> => {
  server = await startServer({ directory, flags });
  return server;
};
const maps = "/api/v1/namespaces/default/configmaps";
const write = async (on: TestServer, name: string) => {
  const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { fill: "x".repeat(2000) } };
  expect((await on.api.request("POST", maps, body)).status).toBe(201);
};
const has = async (on: TestServer, name: string) => (await on.api.request("GET", `${maps}/${name}`)).status === 200;

test("a copy is taken while the server writes; restored, it is the cluster as it was then", async () => {
  let on = await start();
  await write(on, "before");
  const writing = Promise.all(Array.from({ length: 50 }, (_, n) => write(on, `during-${n}`)));
  expect(await snapshots("save")).toMatch(/^on-demand-\S+-\d+ is saved as /);
  await writing;
  await write(on, "after");
  const name = await newest();
  const refused = await run(skiffProgram[0], snapshot("restore", name));
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("the server runs: stop it first") });
  await on.stop();
  expect(await snapshots("restore", name)).toContain("Start the server again");
  on = await start();
  expect([await has(on, "before"), await has(on, "after")]).toEqual([true, false]);
  await write(on, "later");
  await snapshots("delete", name);
  expect(await snapshots("list")).not.toContain(name);
});

test("a copy can be taken of a server that does not run", async () => {
  const on = await start();
  await write(on, "kept");
  await on.stop();
  await snapshots("save", "--name", "at-rest");
  expect(await newest()).toMatch(/^at-rest-/);
});

describe("a damaged database", () => {
  const damage = () => truncateSync(database("state.db"), 5_000);

  test("is set aside, the newest whole copy takes its place, and an Event says so", async () => {
    let on = await start();
    await write(on, "before");
    await snapshots("save");
    await write(on, "after");
    await on.stop();
    damage();
    writeFileSync(
      database("snapshots", "newer-but-damaged.db"),
      "no database at all, and longer than one page".repeat(99),
    );
    on = await start();
    expect([await has(on, "before"), await has(on, "after")]).toEqual([true, false]);
    const { api, output } = on;
    await eventually(() => expect(output()).toContain("The database was damaged. It was set aside as"));
    await eventually(async () => {
      const { body } = await api.request("GET", "/api/v1/namespaces/kube-system/events");
      expect(body.items).toContainEqual(
        expect.objectContaining({ reason: "DatabaseReplaced", message: expect.stringContaining("on-demand-") }),
      );
    });
    expect(readdirSync(database()).filter((name) => name.startsWith("damaged-"))).toHaveLength(1);
  });

  test("without a copy is left as it is, with a sentence about what to do", async () => {
    const on = await start();
    await on.stop();
    damage();
    const flags = serverFlags(directory, on.port);
    const { code, stderr } = await run(skiffProgram[0], [...skiffProgram.slice(1), "server", ...flags]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("state.db")]);
    expect(readdirSync(database())).toContain("state.db");
  });
});

test("a database that is taken away under a running server is written anew: nothing is lost, and the log says so", async () => {
  let on = await start();
  await write(on, "before");
  rmSync(database("state.db"));
  await eventually(() => {
    expect(on.output()).toContain("nothing that was acknowledged is lost");
    expect(on.output()).toMatch(/the database was lost while it was in use.*state\.db was taken away/);
  });
  await write(on, "after");
  await on.stop("SIGKILL");
  on = await start();
  expect([await has(on, "before"), await has(on, "after")]).toEqual([true, true]);
});

test("before another version opens the data a copy is kept, and an older one that refuses them names it", async () => {
  let on = await start();
  await write(on, "kept");
  await on.stop();
  writeFileSync(database("written-by"), "0.0.9\n");
  on = await start();
  const name = await newest();
  expect(name).toMatch(/^before-upgrade-0\.0\.9-\d+$/);
  await on.stop();
  const db = new Database(database("state.db"));
  db.pragma("user_version = 99");
  db.close();
  const flags = serverFlags(directory, on.port);
  const { code, stderr } = await run(skiffProgram[0], [...skiffProgram.slice(1), "server", ...flags]);
  expect(code).toBe(1);
  expect(stderr).toContain(`\`skiff snapshot restore ${name}\` goes back to it`);
  await snapshots("restore", name);
  on = await start();
  expect(await has(on, "kept")).toBe(true);
});

test("copies are taken on a schedule, of which the newest are kept", async () => {
  await eventually(async () => {
    const copies = await copiesIn(scheduled.directory);
    expect(copies).toEqual([expect.stringMatching(/^scheduled-/)]);
    expect(copies).not.toEqual(earlier);
  });
});
