import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { noLog } from "../../base/log.ts";
import { placesOf } from "./places.ts";
import { readMounted, removeVolumeData, type VolumeData, writeVolumeData } from "./volume-data.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "skiff-csi-data-"));
});
afterEach(() => rm(directory, { recursive: true }));

const dataOf = (name: string): VolumeData => ({
  driverName: "disk.example.com",
  volumeHandle: `handle-${name}`,
  specVolID: name,
  nodeName: "n1",
  volumeLifecycleMode: "Persistent",
});

/** Makes a volume's directory with its file; resolves with the directory. */
async function aVolume(name: string, { isBlock = false } = {}): Promise<string> {
  const { driverName: driver, volumeHandle: handle } = dataOf(name);
  const { at } = placesOf(directory, { podUid: "u1", name, driver, handle, isBlock });
  await mkdir(at, { recursive: true });
  await writeVolumeData(at, dataOf(name));
  return at;
}

test("what was mounted for a pod is known again after a restart, directories and devices", async () => {
  await aVolume("a");
  await aVolume("b", { isBlock: true });
  const found = await readMounted({ directory, podUid: "u1", log: noLog });
  expect(found.map(({ data, isBlock }) => [data.specVolID, isBlock])).toEqual([
    ["a", false],
    ["b", true],
  ]);
  expect(await readMounted({ directory, podUid: "another", log: noLog })).toEqual([]);
});

test("a file that a power cut left empty hides its own volume and no other", async () => {
  await writeFile(join(await aVolume("a"), "vol_data.json"), "");
  await aVolume("b");
  const found = await readMounted({ directory, podUid: "u1", log: noLog });
  expect(found.map(({ data }) => data.specVolID)).toEqual(["b"]);
});

test("taken away, nothing of it is left, also not of a write that was broken off", async () => {
  const at = await aVolume("a");
  await writeFile(join(at, "vol_data.json.0badc0de"), "{");
  await removeVolumeData(at);
  expect(await readdir(at)).toEqual([]);
  await removeVolumeData(join(directory, "nowhere"));
});
