import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ifAbsent, writeWhole } from "./files.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "skiff-files-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

test("a file is written whole, its directory made", async () => {
  await writeWhole(join(directory, "a/b"), "text");
  expect(readFileSync(join(directory, "a/b"), "utf8")).toBe("text");
});

test("a file that cannot be written is named, and nothing is left of the try", async () => {
  const taken = join(directory, "taken");
  mkdirSync(join(taken, "by"), { recursive: true });
  await expect(writeWhole(taken, "text")).rejects.toMatchObject({ path: taken });
  expect(readdirSync(directory)).toEqual(["taken"]);
});

test("a file that is absent is none; one that cannot be read is an error", async () => {
  expect(await stat("/nowhere/at/all").catch(ifAbsent)).toBeUndefined();
  expect(await stat(`${import.meta.filename}/below`).catch(ifAbsent)).toBeUndefined();
  await expect(readFile(import.meta.dirname).catch(ifAbsent)).rejects.toThrow("EISDIR");
});
