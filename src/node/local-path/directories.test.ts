import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eraseDirectory, makeDirectory } from "./directories.ts";

let machine: string;
let root: string;
beforeEach(async () => {
  machine = await mkdtemp(join(tmpdir(), "skiff-local-path-"));
  root = join(machine, "storage");
});
afterEach(() => rm(machine, { recursive: true, force: true }));

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe("a volume's directory", () => {
  test("is for every user's pods, and what leads to it shows nothing", async () => {
    const path = join(root, "ns", "data");
    await makeDirectory({ root, path });
    expect([await modeOf(root), await modeOf(join(root, "ns")), await modeOf(path)]).toEqual([0o701, 0o701, 0o777]);
  });

  test("is taken up again with what is in it", async () => {
    const path = join(root, "data");
    await makeDirectory({ root, path });
    await writeFile(join(path, "kept"), "");
    await makeDirectory({ root, path });
    expect(await readdir(path)).toEqual(["kept"]);
  });

  test("goes with all that is in it, and may be gone already", async () => {
    const path = join(root, "data");
    await makeDirectory({ root, path });
    await mkdir(join(path, "deep", "er"), { recursive: true });
    await eraseDirectory({ root, path });
    await eraseDirectory({ root, path });
    expect(await readdir(root)).toEqual([]);
  });

  test("may lie on another disk, to which a link leads", async () => {
    await mkdir(join(machine, "disk"));
    await symlink(join(machine, "disk"), root);
    const path = join(root, "data");
    await makeDirectory({ root, path });
    await eraseDirectory({ root, path });
    expect(await readdir(join(machine, "disk"))).toEqual([]);
  });

  test("is not reached through a link that a pod left", async () => {
    const home = join(machine, "home");
    await mkdir(join(home, "user"), { recursive: true });
    await mkdir(root);
    await symlink(home, join(root, "volume"));
    const place = { root, path: join(root, "volume", "user") };
    await expect(makeDirectory(place)).rejects.toThrow("leads through a link");
    await expect(eraseDirectory(place)).rejects.toThrow("leads through a link");
    expect(await readdir(home)).toEqual(["user"]);
  });
});
