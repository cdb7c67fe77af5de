import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { noLog } from "../../../src/base/log.ts";
import type { Write } from "../../../src/store/contract.ts";
import { openStore } from "../../../src/store/open.ts";
import { eventually } from "../../support/eventually.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "skiff-lost-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const place = () => join(directory, "db");
const open = (where = place()) =>
  openStore({ kind: "sqlite", directory: where, volatileBuckets: ["leases"] }, { clock: systemClock, log: noLog });
const text = (value: string, durability: Write["durability"] = "commit"): Write => ({
  expected: "any",
  value: () => Buffer.from(value.padEnd(3000, ".")),
  durability,
});
/** What a power cut at this instant leaves behind. */
function cutPower(): string {
  const left = mkdtempSync(join(directory, "left-"));
  for (const name of readdirSync(place()).filter((each) => each.startsWith("state.db")))
    copyFileSync(join(place(), name), join(left, name));
  return left;
}

function replace(file: string, make: () => void): void {
  rmSync(file);
  make();
}

const harms: [what: string, harm: (file: string) => void][] = [
  ["removed", (file) => rmSync(file)],
  ["removed with its log", (file) => [file, `${file}-wal`].forEach((name) => void rmSync(name))],
  ["left without its log", (file) => rmSync(`${file}-wal`)],
  ["moved away", (file) => renameSync(file, `${file}.old`)],
  ["emptied", (file) => truncateSync(file)],
  ["cut off in the middle", (file) => truncateSync(file, 20_000)],
  ["replaced by a directory", (file) => replace(file, () => mkdirSync(file))],
  ["replaced by another file", (file) => replace(file, () => writeFileSync(file, "no database, and longer than that"))],
  ["removed with all that lies around it", (file) => rmSync(join(file, ".."), { recursive: true })],
];

describe.each(harms)("a database that is %s while it is in use", (_, harm) => {
  test("is written anew from memory: what was acknowledged before and after is there when the power fails", async () => {
    {
      await using earlier = await open();
      for (let i = 0; i < 40; i++) await earlier.put(`/pods/${i % 30}`, text(`before ${i}`));
    }
    await using store = await open();
    await store.delete("/pods/29", text("gone"));
    await store.put("/leases/a", text("held", "memory"));
    const since = store.revision;
    harm(join(place(), "state.db"));
    const acknowledged = await store.put("/pods/after", text("after"));
    const more = await store.put("/pods/more", text("more"));
    expect(acknowledged.modRevision).toBeGreaterThan(since);
    store.verify();

    await using again = await open(cutPower());
    again.verify();
    expect(again.list("/pods/").entries).toEqual(store.list("/pods/").entries);
    expect(again.get("/pods/after")).toEqual(acknowledged);
    expect(
      again
        .watch("/pods/", since, () => {})
        .read(10)
        .map(({ entry }) => entry),
    ).toEqual([acknowledged, more]);
    expect((await again.put("/pods/next", text("next"))).modRevision).toBeGreaterThan(store.revision);
  });
});

test("that it was taken away is noticed also when nobody writes", async () => {
  await using store = await open();
  const kept = await store.put("/pods/a", text("1"));
  rmSync(join(place(), "state.db"));
  await eventually(async () => {
    await using again = await open(cutPower());
    expect(again.get("/pods/a")).toEqual(kept);
  });
});

test("what lay in its place is kept beside it", async () => {
  await using store = await open();
  await store.put("/pods/a", text("1"));
  rmSync(join(place(), "state.db"));
  writeFileSync(join(place(), "state.db"), "somebody's");
  await store.put("/pods/a", text("2"));
  expect(readdirSync(place())).toContain("set-aside-1-state.db");
});
