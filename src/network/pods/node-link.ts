import type { Log } from "../../base/log.ts";
import { ipBatch, linkExists } from "./kernel.ts";
import { nodeLink } from "./names.ts";
import { makeNodeLink, type NodeWiring, wireNode } from "./scripts.ts";
import { linkSysctls, setSysctls } from "./sysctls.ts";

/** Makes the node's own link, or mends it. */
export async function raiseNodeLink(wiring: NodeWiring, log: Log): Promise<void> {
  const make = linkExists(nodeLink) ? [] : makeNodeLink();
  await ipBatch([...make, ...wireNode(wiring)]);
  await setSysctls(linkSysctls(nodeLink, { ipv6: false }), log);
}
