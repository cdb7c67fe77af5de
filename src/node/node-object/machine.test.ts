import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hugePagesOf } from "./machine.ts";

test("huge pages are told by their size, as many as the kernel keeps", async () => {
  await using made = await mkdtempDisposable(join(tmpdir(), "skiff-huge-"));
  const directory = made.path;
  for (const [name, count] of [
    ["hugepages-2048kB", 32],
    ["hugepages-1048576kB", 0],
    ["hugepages-64kB", 0],
  ] as const) {
    await mkdir(join(directory, name));
    await writeFile(join(directory, name, "nr_hugepages"), `${count}\n`);
  }
  expect(await hugePagesOf(directory)).toEqual({
    "hugepages-1Gi": "0",
    "hugepages-2Mi": "64Mi",
    "hugepages-64Ki": "0",
  });
  expect(await hugePagesOf(join(directory, "absent"))).toEqual({});
});
