import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { StatusError } from "../../api/status.ts";
import { listOf, refuseUpgrade, type Upgrade } from "./handshake.ts";

export interface AcceptedWebSocket {
  readonly socket: WebSocket;
  /** The protocol on top that both know; "" when the client named none. */
  readonly protocol: string;
}

/** A message of the channel protocols. */
export interface ChannelMessage {
  readonly channel: number;
  readonly payload: Buffer;
}

// kubectl's messages have some 32 KB. A longer one has to be held until it is complete.
const longestMessage = 2 * 1024 * 1024;
const closedNormally = 1000;

/** Changes to WebSocket; undefined, and an answer, when client and server share no protocol on top of it. */
export async function acceptWebSocket(
  { request, socket, head }: Upgrade,
  served: readonly string[],
): Promise<AcceptedWebSocket | undefined> {
  const offered = listOf(request.headers["sec-websocket-protocol"]);
  const protocol = offered.length === 0 ? "" : offered.find((name) => served.includes(name));
  if (protocol === undefined) {
    refuseUpgrade(socket, new StatusError("Forbidden", `none of the protocols ${offered.join(", ")} is served here`));
    return undefined;
  }
  // Kubernetes' names of protocols hold characters that RFC 6455 does not allow, so the library must not see them.
  delete request.headers["sec-websocket-protocol"];
  const server = new WebSocketServer({ noServer: true, maxPayload: longestMessage, perMessageDeflate: false });
  if (protocol) server.on("headers", (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  return new Promise((resolve) => {
    socket.once("close", () => resolve(undefined));
    server.handleUpgrade(request, socket, head, (accepted) => {
      accepted.on("error", () => accepted.terminate());
      resolve({ socket: accepted, protocol });
    });
  });
}

/** Calls for each message, one after the other: while one is being handed on, no more is read. */
export function onMessages(
  { socket, protocol }: AcceptedWebSocket,
  receive: (message: ChannelMessage) => Promise<void>,
): void {
  socket.on("message", (data: RawData) => {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
    if (bytes.length === 0) return;
    socket.pause();
    void receive(decode(bytes, isBase64(protocol))).finally(() => socket.resume());
  });
}

/** Resolves when more may be sent; also when the client is gone. */
export function sendMessage({ socket, protocol }: AcceptedWebSocket, channel: number, payload: Buffer): Promise<void> {
  const message = isBase64(protocol)
    ? `${channel}${payload.toString("base64")}`
    : Buffer.concat([Uint8Array.of(channel), payload]);
  return new Promise((sent) => socket.send(message, () => sent()));
}

/** The same for protocols that know no channels. */
export function sendBytes({ socket, protocol }: AcceptedWebSocket, bytes: Buffer): Promise<void> {
  return new Promise((sent) => socket.send(isBase64(protocol) ? bytes.toString("base64") : bytes, () => sent()));
}

/** Closes when everything has been sent; resolves when the client has closed too. */
export function closeWebSocket({ socket }: AcceptedWebSocket): Promise<void> {
  return new Promise((closed) => {
    if (socket.readyState === socket.CLOSED) return closed();
    socket.once("close", () => closed());
    socket.close(closedNormally);
  });
}

function isBase64(protocol: string): boolean {
  return protocol.includes("base64.");
}

function decode(bytes: Buffer, isText: boolean): ChannelMessage {
  if (!isText) return { channel: bytes[0]!, payload: bytes.subarray(1) };
  return {
    channel: Number(String.fromCharCode(bytes[0]!)),
    payload: Buffer.from(bytes.toString("latin1", 1), "base64"),
  };
}
