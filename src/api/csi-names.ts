import { createHash } from "node:crypto";

/** The name of a VolumeAttachment: drivers' attachers, kubelets and the controller that makes it compute the same. */
export function attachmentName({ driver, handle }: { driver: string; handle: string }, node: string): string {
  return `csi-${createHash("sha256").update(`${handle}${driver}${node}`).digest("hex")}`;
}

/** How a node's status names a volume of a CSI driver. */
export function volumeNameInStatus({ driver, volumeHandle }: { driver: string; volumeHandle: string }): string {
  return `kubernetes.io/csi/${driver}^${volumeHandle}`;
}
