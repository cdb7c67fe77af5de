import type { WatchSink } from "../watch/serve-watch.ts";
import { listOf, refuseUpgrade, type Upgrade } from "./handshake.ts";
import { type AcceptedWebSocket, acceptWebSocket } from "./websocket.ts";

// What the client may leave untaken. As over plain HTTP, the rest stays in the store's history.
const unsentBytes = 64 * 1024;
// Events in protobuf begin with their length where they are a stream; a message has its own.
const lengthBytes = 4;
const closedNormally = 1000;

/** A watch as messages of a WebSocket, an event each: text for JSON, bytes for protobuf. */
export function webSocketSink(upgrade: Upgrade, isBinary: boolean): WatchSink {
  const { request, socket: connection } = upgrade;
  const offered = listOf(request.headers["sec-websocket-protocol"]);
  let accepted: AcceptedWebSocket | undefined;
  /** What was sent before the handshake was over. */
  const early: Buffer[] = [];
  let isEnded = false;
  let blocked: (() => void) | undefined;

  function goOn(): void {
    if (!blocked || !accepted || accepted.socket.bufferedAmount > unsentBytes) return;
    const drained = blocked;
    blocked = undefined;
    drained();
  }

  function write(part: Buffer): void {
    accepted?.socket.send(isBinary ? part.subarray(lengthBytes) : part, { binary: isBinary }, goOn);
  }

  async function accept(): Promise<void> {
    // There is nothing to choose between: of a single protocol the client hears that it is as it wished.
    accepted = await acceptWebSocket(upgrade, offered.length === 1 ? offered : []);
    // What clients say is of no interest, but it is read, so that their end is seen.
    accepted?.socket.on("message", () => {});
    for (const part of early.splice(0)) write(part);
    if (isEnded) accepted?.socket.close(closedNormally);
    else goOn();
  }

  return {
    begin: () => void accept().catch((error: unknown) => refuseUpgrade(connection, error)),
    send(parts, drained) {
      if (accepted) parts.forEach(write);
      else early.push(...parts);
      if (accepted && accepted.socket.bufferedAmount <= unsentBytes) return true;
      blocked = drained;
      return false;
    },
    end() {
      isEnded = true;
      accepted?.socket.close(closedNormally);
    },
    onGone: (run) => void connection.on("close", run),
  };
}
