import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { noLog } from "../../base/log.ts";
import type { Image } from "../runtime.ts";
import { openPullRecords } from "./pull-records.ts";

const name = "registry.test/team/app:1";
const image = (over: Partial<Image> = {}): Image => ({
  id: "x",
  tags: [name],
  digests: [],
  sizeBytes: 1,
  user: "",
  ...over,
});
const login = (password: string) => ({ username: "me", password, serverAddress: "registry.test" });
const file = async () => {
  const directory = await mkdtemp(join(tmpdir(), "skiff-pulls-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return join(directory, "records.json");
};

test("what nobody pulled is everybody's", async () => {
  expect((await openPullRecords(await file(), noLog)).allows(image(), name, [])).toBe(true);
});

test("what was pulled with credentials is for those who have them, also after a restart", async () => {
  const path = await file();
  await (await openPullRecords(path, noLog)).note("x", name, login("right"));
  const records = await openPullRecords(path, noLog);
  expect(records.allows(image(), name, [])).toBe(false);
  expect(records.allows(image(), name, [login("wrong")])).toBe(false);
  expect(records.allows(image(), "registry.test/team/app:2", [login("right")])).toBe(true);
});

test("an image's id opens nothing that its name does not; another name that somebody gave it does", async () => {
  const records = await openPullRecords(await file(), noLog);
  await records.note("x", name, login("right"));
  expect(records.allows(image(), "x", [])).toBe(false);
  expect(records.allows(image({ tags: [name, "mine:1"] }), "mine:1", [])).toBe(true);
});

test("what a registry gave without credentials is everybody's from then on", async () => {
  const records = await openPullRecords(await file(), noLog);
  await records.note("x", name, login("right"));
  await records.note("x", name, undefined);
  expect(records.allows(image(), name, [])).toBe(true);
});

test("a file that a power cut left empty is no reason not to start: pulls are recorded anew", async () => {
  const path = await file();
  await writeFile(path, "");
  await (await openPullRecords(path, noLog)).note("x", name, login("right"));
  expect((await openPullRecords(path, noLog)).allows(image(), name, [])).toBe(false);
});
