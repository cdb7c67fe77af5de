import { createHash } from "node:crypto";
import { join } from "node:path";

/** Where a volume of a driver lies for a pod: drivers expect the paths that kubelet gives them. */
export interface Places {
  /** What is known of it lies here. */
  readonly at: string;
  /** What the driver is to make of it for the pod: a directory, or a device's file. */
  readonly target: string;
  /** What it makes of it for all pods of the node. */
  readonly staging: string;
}

export interface PlacedVolume {
  readonly podUid: string;
  /** The PersistentVolume's name, or that of the volume in the pod. */
  readonly name: string;
  readonly driver: string;
  readonly handle: string;
  readonly isBlock: boolean;
}

export function placesOf(directory: string, { podUid, name, driver, handle, isBlock }: PlacedVolume): Places {
  const plugins = join(directory, "plugins", "kubernetes.io", "csi");
  const at = join(folderOf(directory, { podUid, isBlock }), name);
  if (!isBlock) return { at, target: join(at, "mount"), staging: join(plugins, driver, sha256(handle), "globalmount") };
  const devices = join(plugins, "volumeDevices");
  return { at, target: join(devices, "publish", name, podUid), staging: join(devices, "staging", name) };
}

/** The directory of all of a pod's volumes of one sort. */
export function folderOf(directory: string, { podUid, isBlock }: Pick<PlacedVolume, "podUid" | "isBlock">): string {
  return join(directory, "pods", podUid, isBlock ? "volumeDevices" : "volumes", "kubernetes.io~csi");
}

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
