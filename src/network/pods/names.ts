import { createHash } from "node:crypto";

/** The number of the protocol that marks skiff's routes in the kernel, so that they are told from everybody else's. */
export const routeProtocol = 143;

/** The veth pair whose ends both stay on the node; its first end carries skiff's own addresses. */
export const nodeLink = "skiff0";
export const nodeLinkPeer = "skiff0p";

/** Where pods send everything; answered by the node on every pod's link (RFC 3927, RFC 4291). */
export const gateway4 = "169.254.1.1";
export const gateway6 = "fe80::1";

/** The node's end of a pod's veth pair; Linux allows 15 bytes. */
export function linkNameOf(podUid: string): string {
  return `skf${createHash("sha256").update(podUid).digest("hex").slice(0, 12)}`;
}

/** What an attachment is known by after a restart; it is kept as the link's alias, so that it dies with the link. */
export interface Attachment {
  readonly podUid: string;
  readonly ips: readonly string[];
}

// IFALIASZ less its final zero.
const longestAlias = 255;

export function aliasOf({ podUid, ips }: Attachment, podKey: string): string {
  return `skiff-pod ${podUid} ${ips.join(",")} ${podKey}`.slice(0, longestAlias);
}

/** The inverse of aliasOf; undefined for a link that is not a pod's. */
export function attachmentFrom(alias: string): Attachment | undefined {
  const [mark, podUid, ips] = alias.split(" ");
  return mark === "skiff-pod" && podUid && ips ? { podUid, ips: ips.split(",") } : undefined;
}
