import type { Duplex } from "node:stream";
import { refuseUpgrade, type Upgrade, upgradeRequired, wantedProtocol } from "./handshake.ts";
import { acceptWebSocket, closeWebSocket, sendBytes } from "./websocket.ts";

export interface LogsUpgrade extends Upgrade {
  /** Opens what the container wrote; undefined for a pod that has not run anywhere yet. */
  readonly open: ((signal: AbortSignal) => Promise<Duplex>) | undefined;
}

const protocols = ["binary.k8s.io", "base64.binary.k8s.io"];

/** Serves logs as WebSocket messages, for browsers. Resolves when they have ended or the client is gone. */
export async function serveLogs(upgrade: LogsUpgrade): Promise<void> {
  const { request, socket, open } = upgrade;
  if (wantedProtocol(request) !== "websocket") return refuseUpgrade(socket, upgradeRequired());
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  const written = await open?.(gone.signal);
  const accepted = await acceptWebSocket(upgrade, protocols);
  if (!accepted) return void written?.destroy();
  try {
    for await (const chunk of written ?? []) await sendBytes(accepted, chunk as Buffer);
  } catch (error) {
    // The node is gone, or the client: whoever is left sees the end.
    accepted.socket.terminate();
    if (!gone.signal.aborted) throw error;
    return;
  }
  await closeWebSocket(accepted);
}
