import { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createWebSocketStream } from "ws";
import { badRequest } from "../../api/status.ts";
import { messageOf } from "../../base/log.ts";
import { acceptSpdy, refuseUpgrade, type Upgrade, upgradeRequired, wantedProtocol } from "./handshake.ts";
import { SpdySession, type SpdyStream } from "./spdy/session.ts";
import { type AcceptedWebSocket, acceptWebSocket, closeWebSocket, onMessages, sendMessage } from "./websocket.ts";

export interface PortForwardUpgrade extends Upgrade {
  /** Of the query parameter `ports`: what a client that speaks plain WebSocket wants forwarded. */
  readonly ports: readonly number[];
  /** Opens one connection to a port of the pod: raw bytes both ways. */
  readonly open: (port: number, signal: AbortSignal) => Promise<Duplex>;
  /** The pod in errors: "default/web". */
  readonly pod: string;
}

const spdyProtocol = "portforward.k8s.io";
// kubectl since 1.30 speaks SPDY inside of WebSocket messages.
const tunnelledProtocol = "SPDY/3.1+portforward.k8s.io";
const channelProtocols = ["v4.channel.k8s.io", "v4.base64.channel.k8s.io"];

// As long as Kubernetes waits for the second of a connection's two streams.
const pairingMs = 30_000;

/** Serves a port-forward, whatever protocol the client speaks. Resolves when it is over; never rejects. */
export async function servePortForward(upgrade: PortForwardUpgrade): Promise<void> {
  const { request, socket } = upgrade;
  socket.on("error", () => socket.destroy());
  switch (wantedProtocol(request)) {
    case "spdy":
      if (acceptSpdy(upgrade, [spdyProtocol])) await forwardOverSpdy(socket, upgrade);
      return;
    case "websocket": {
      const isTunnelled = request.headers["sec-websocket-protocol"]?.includes(tunnelledProtocol);
      if (!isTunnelled && upgrade.ports.length === 0) {
        return refuseUpgrade(socket, badRequest('query parameter "ports" is required'));
      }
      const accepted = await acceptWebSocket(upgrade, [tunnelledProtocol, ...channelProtocols]);
      if (!accepted) return;
      return isTunnelled
        ? forwardOverSpdy(createWebSocketStream(accepted.socket), upgrade)
        : forwardOverChannels(accepted, upgrade);
    }
    case undefined:
      return refuseUpgrade(socket, upgradeRequired());
  }
}

/** Each forwarded connection is a pair of streams: its data, and a text when something went wrong. */
async function forwardOverSpdy(connection: Duplex, upgrade: PortForwardUpgrade): Promise<void> {
  const halves = new Map<string, { stream: SpdyStream; met: () => void }>();
  const gone = new AbortController();
  const wait = (id: string, stream: SpdyStream) => {
    const timer = upgrade.clock.after(pairingMs, () => stream.destroy());
    const met = () => {
      timer[Symbol.dispose]();
      halves.delete(id);
      stream.off("close", met);
    };
    stream.once("close", met);
    halves.set(id, { stream, met });
  };
  const session = new SpdySession({
    connection,
    onStream(stream) {
      const { streamtype = "", port = "", requestid = port } = stream.headers;
      if (!["data", "error"].includes(streamtype) || !isPort(port)) throw new Error("no such stream is expected");
      const other = halves.get(requestid);
      if (!other) return wait(requestid, stream);
      if (other.stream.headers.streamtype === streamtype) throw new Error("the connection has this stream already");
      other.met();
      const [data, error] = streamtype === "data" ? [stream, other.stream] : [other.stream, stream];
      void forward({ data, fail: (text) => error.end(text), port: Number(port), signal: gone.signal }, upgrade);
      error.resume();
    },
  });
  await session.run();
  gone.abort();
}

interface Forwarding {
  readonly data: Duplex;
  /** Ends the connection's error stream, with a text if something went wrong. */
  readonly fail: (text?: string) => void;
  readonly port: number;
  readonly signal: AbortSignal;
}

/** Connects a client's connection with the pod's port until both directions have ended. Never rejects. */
async function forward({ data, fail, port, signal }: Forwarding, { open, pod }: PortForwardUpgrade): Promise<void> {
  try {
    const target = await open(port, signal);
    signal.addEventListener("abort", () => target.destroy());
    // Not a pipeline: when the pod has closed, what the client still sends is dropped, and its stream is not reset,
    // because that would cost it what it has not read yet.
    data.pipe(target);
    target.once("close", () => data.resume());
    await pipeline(target, data);
    fail();
  } catch (error) {
    fail(signal.aborted ? undefined : `error forwarding port ${port} to pod ${pod}: ${messageOf(error)}`);
    data.end();
  }
}

/** Older browsers' and libraries' form: two channels for each port, data and error, whose first message names the port. */
async function forwardOverChannels(accepted: AcceptedWebSocket, upgrade: PortForwardUpgrade): Promise<void> {
  const gone = new AbortController();
  const closed = new Promise<void>((done) => accepted.socket.once("close", () => done()));
  const forwardings = upgrade.ports.map((port, i) => {
    const [dataChannel, errorChannel] = [2 * i, 2 * i + 1];
    const data = new Duplex({
      read() {},
      write: (chunk: Buffer, _encoding, sent) => void sendMessage(accepted, dataChannel, chunk).then(() => sent()),
    });
    const name = Buffer.alloc(2);
    name.writeUInt16LE(port);
    void sendMessage(accepted, dataChannel, name);
    void sendMessage(accepted, errorChannel, name);
    const fail = (text?: string) => void (text && sendMessage(accepted, errorChannel, Buffer.from(text)));
    return { data, over: forward({ data, fail, port, signal: gone.signal }, upgrade) };
  });
  const inputs = forwardings.map(({ data }) => data);
  onMessages(accepted, async ({ channel, payload }) => {
    const input = channel % 2 === 0 ? inputs[channel / 2] : undefined;
    if (!input || input.destroyed || input.push(payload)) return;
    // Until the pod has taken it nothing more is read from the client.
    await new Promise<void>((taken) => {
      input._read = () => taken();
      input.once("close", () => taken());
    });
  });
  // A channel cannot be closed by itself: that the pod has closed its connections is told by the end of this one.
  void Promise.all(forwardings.map(({ over }) => over)).then(() => closeWebSocket(accepted));
  await closed;
  gone.abort();
  for (const input of inputs) input.destroy();
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
