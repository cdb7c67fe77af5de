import { attachmentName, volumeNameInStatus } from "../../api/csi-names.ts";
import type { CSIDriver, PersistentVolume, Pod, VolumeAttachment } from "../../api/schema/types.ts";

/** A volume of a driver that attaches volumes to nodes before they are mounted. */
export interface Attachable {
  /** As a node's status names it. */
  readonly name: string;
  readonly volume: PersistentVolume;
  readonly driver: string;
  readonly handle: string;
  /** Pods on the node that use it. */
  readonly pods: readonly Pod[];
}

/** The volume as one that is attached; undefined for those that need no attaching. A driver that says nothing attaches. */
export function attachable(
  volume: PersistentVolume,
  { driverNamed, pods }: { driverNamed: (name: string) => CSIDriver | undefined; pods: readonly Pod[] },
): Attachable | undefined {
  const { csi } = volume.spec;
  if (!csi || driverNamed(csi.driver)?.spec.attachRequired === false) return undefined;
  return { name: volumeNameInStatus(csi), volume, driver: csi.driver, handle: csi.volumeHandle, pods };
}

/** What a node's status says of an attachment that was made here; undefined for one that somebody else made. */
export function reportedName(
  { metadata, spec }: VolumeAttachment,
  volumeNamed: (name: string) => PersistentVolume | undefined,
): string | undefined {
  const csi = volumeNamed(spec.source.persistentVolumeName ?? "")?.spec.csi;
  if (!csi) return undefined;
  const name = attachmentName({ driver: csi.driver, handle: csi.volumeHandle }, spec.nodeName);
  return name === metadata.name ? volumeNameInStatus(csi) : undefined;
}

/** Whether several nodes may have the volume at once. */
export function isForManyNodes({ spec }: PersistentVolume): boolean {
  const modes = spec.accessModes ?? [];
  return modes.length === 0 || modes.some((mode) => mode === "ReadWriteMany" || mode === "ReadOnlyMany");
}
