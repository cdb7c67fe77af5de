import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ifAbsent, readIfThere, writeWhole } from "../../base/files.ts";
import type { Log } from "../../base/log.ts";
import { folderOf, type Places, placesOf } from "./places.ts";

/** What it takes to undo a mount, in a file beside it, under the names that kubelet gives it. */
export interface VolumeData {
  readonly driverName: string;
  readonly volumeHandle: string;
  readonly specVolID: string;
  readonly nodeName: string;
  readonly attachmentID?: string;
  readonly volumeLifecycleMode: "Persistent" | "Ephemeral";
}

/** A volume that a pod has here, or is about to have. */
export interface Mounted {
  readonly data: VolumeData;
  readonly podUid: string;
  readonly isBlock: boolean;
  readonly places: Places;
}

const dataFile = "vol_data.json";

/** `at`: the directory of the volume, which is there. */
export function writeVolumeData(at: string, data: VolumeData): Promise<void> {
  return writeWhole(join(at, dataFile), JSON.stringify(data));
}

/** Also what a write that was broken off left: the directory is to be empty of it. */
export async function removeVolumeData(at: string): Promise<void> {
  const names = ((await readdir(at).catch(ifAbsent)) ?? []).filter((name) => name.startsWith(dataFile));
  for (const name of names) await rm(join(at, name), { force: true });
}

/**
 * The volumes that an earlier run of skiff made for a pod. `directory`: kubelet's. One whose file is damaged is left out: its
 * node has other pods to look after.
 */
export async function readMounted({
  directory,
  podUid,
  log,
}: {
  directory: string;
  podUid: string;
  log: Log;
}): Promise<readonly Mounted[]> {
  const found: Mounted[] = [];
  for (const isBlock of [false, true]) {
    const folder = folderOf(directory, { podUid, isBlock });
    for (const name of (await readdir(folder).catch(ifAbsent)) ?? []) {
      const data = await readVolumeData(join(folder, name), log);
      if (!data) continue;
      const { driverName: driver, volumeHandle: handle } = data;
      found.push({ data, podUid, isBlock, places: placesOf(directory, { podUid, name, driver, handle, isBlock }) });
    }
  }
  return found;
}

async function readVolumeData(at: string, log: Log): Promise<VolumeData | undefined> {
  const text = await readIfThere(join(at, dataFile));
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as VolumeData;
  } catch (error) {
    log.warn("what was written of a CSI volume is damaged; it is not known how to take it away", { volume: at, error });
    return undefined;
  }
}
