import type { Duplex } from "node:stream";
import { forbidden } from "../api/status.ts";
import type { TunnelHub } from "../tunnel/contract.ts";
import { tunnelPath, tunnelProtocol } from "./dial-tunnel.ts";

const nodeUser = "system:node:";
const nodeGroup = "system:nodes";

interface Asked {
  readonly user: { readonly name: string; readonly groups: readonly string[] };
  readonly connection: Duplex;
  readonly head: Buffer;
}

/** The name of the node that a user is; undefined for others. */
export function nodeOf({ name, groups }: Asked["user"]): string | undefined {
  return name.startsWith(nodeUser) && groups.includes(nodeGroup) ? name.slice(nodeUser.length) : undefined;
}

/** Turns a node's connection into its tunnel. A node gets its own and no other's: its name is that of its certificate. */
export function tunnelUpgrade(hub: TunnelHub) {
  return {
    path: tunnelPath,
    protocol: tunnelProtocol,
    accept({ user, connection, head }: Asked): void {
      const node = nodeOf(user);
      if (node === undefined)
        throw forbidden(undefined, "", `User ${JSON.stringify(user.name)} is no node and may not open a tunnel`);
      if (head.length > 0) connection.unshift(head);
      const answer = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${tunnelProtocol}\r\n\r\n`;
      // HTTP/2 takes the socket over below Node's streams: it must not find a write of ours still under way.
      connection.write(answer, () => setImmediate(() => hub.accept(node, connection)));
    },
  };
}
