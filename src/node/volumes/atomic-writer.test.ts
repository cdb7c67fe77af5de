import { mkdtemp, readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeAtomically } from "./atomic-writer.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "skiff-volume-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const files = (contents: Record<string, string>) =>
  new Map(Object.entries(contents).map(([path, text]) => [path, { content: Buffer.from(text), mode: 0o640 }]));
const visible = async () => (await readdir(directory)).filter((name) => !name.startsWith("..")).sort();

describe("a volume that skiff fills", () => {
  test("shows its files through one link, with their modes", async () => {
    await writeAtomically(directory, files({ a: "1", "dir/b": "2" }));
    expect(await visible()).toEqual(["a", "dir"]);
    expect(await readFile(join(directory, "dir/b"), "utf8")).toBe("2");
    expect(await readlink(join(directory, "a"))).toBe("..data/a");
    expect((await stat(join(directory, "a"))).mode & 0o777).toBe(0o640);
  });

  test("changes all at once, and leaves nothing of the old behind", async () => {
    await writeAtomically(directory, files({ a: "1", b: "1" }));
    expect(await writeAtomically(directory, files({ b: "2", c: "2" }))).toBe(true);
    expect(await visible()).toEqual(["b", "c"]);
    expect(await readFile(join(directory, "b"), "utf8")).toBe("2");
    expect((await readdir(directory)).filter((name) => name.startsWith("..2")).length).toBe(1);
  });

  test("is not touched when nothing changed", async () => {
    await writeAtomically(directory, files({ a: "1" }));
    const before = await readlink(join(directory, "..data"));
    expect(await writeAtomically(directory, files({ a: "1" }))).toBe(false);
    expect(await readlink(join(directory, "..data"))).toBe(before);
  });

  test("may be empty", async () => {
    await writeAtomically(directory, files({ a: "1" }));
    await writeAtomically(directory, files({}));
    expect(await visible()).toEqual([]);
  });
});
