import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { shareWithGroup } from "./ownership.ts";

// Any user may give files to a group of its own: the tests need no root.
const group = process.getgid?.() ?? 0;
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "skiff-ownership-"));
  await mkdir(join(root, "deep"), { mode: 0o700 });
  await writeFile(join(root, "deep", "file"), "", { mode: 0o600 });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const modeOf = async (...path: string[]) => ((await stat(join(root, ...path))).mode & 0o7777).toString(8);

describe("a volume of a group", () => {
  test("lets the group read and write all that is in it, and what comes into it", async () => {
    await shareWithGroup(root, { group });
    expect([await modeOf(), await modeOf("deep"), await modeOf("deep", "file")]).toEqual(["2770", "2770", "660"]);
  });

  test("is left as it is where its root is right already and that is enough", async () => {
    await chmod(root, 0o2770);
    await shareWithGroup(root, { group, policy: "OnRootMismatch" });
    expect(await modeOf("deep", "file")).toBe("600");
    await shareWithGroup(root, { group, policy: "Always" });
    expect(await modeOf("deep", "file")).toBe("660");
  });

  test("does not reach out of itself through links", async () => {
    const outside = await mkdtemp(join(tmpdir(), "skiff-outside-"));
    await writeFile(join(outside, "file"), "", { mode: 0o600 });
    await symlink(outside, join(root, "link"));
    await symlink(join(outside, "file"), join(root, "deep", "link"));
    await shareWithGroup(root, { group });
    expect((await stat(join(outside, "file"))).mode & 0o777).toBe(0o600);
    await rm(outside, { recursive: true });
  });
});
