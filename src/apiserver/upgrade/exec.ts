import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { internalError, type Status } from "../../api/status.ts";
import { channels, encodeFrame, FrameReader } from "../../api/streams.ts";
import { execOverSpdy } from "./exec-spdy.ts";
import { execOverWebSocket } from "./exec-websocket.ts";
import { refuseUpgrade, type Upgrade, upgradeRequired, wantedProtocol } from "./handshake.ts";

/** The streams that an exec or attach asks for (API reference, "PodExecOptions"). */
export interface ExecStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface ExecUpgrade extends Upgrade {
  readonly streams: ExecStreams;
  /** Opens the stream to the node (api/streams.ts); an error is answered instead of the upgrade. */
  readonly open: (signal: AbortSignal) => Promise<Duplex>;
}

/** What the protocols have in common: a client that sends and is sent bytes on channels. */
export interface ExecClient {
  /** Resolves when more may be sent. */
  send(channel: number, payload: Buffer): Promise<void>;
  /** The command has ended so; closes when everything has been sent. */
  finish(status: Partial<Status>): Promise<void>;
}

/**
 * Serves an exec or attach: connects the client, in whatever protocol it speaks, with the node. Resolves when it is
 * over; never rejects.
 */
export async function serveExec(upgrade: ExecUpgrade): Promise<void> {
  const { socket, request, streams, open } = upgrade;
  socket.on("error", () => socket.destroy());
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  try {
    const protocol = wantedProtocol(request);
    if (!protocol) throw upgradeRequired();
    const node = new NodeChannels(await open(gone.signal));
    socket.once("close", () => node.close());
    await (protocol === "websocket" ? execOverWebSocket : execOverSpdy)(upgrade, { streams, node });
    node.close();
  } catch (error) {
    refuseUpgrade(socket, error);
  }
}

/** The stream to the node, as channels. */
export class NodeChannels {
  readonly #stream: Duplex;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("error", () => stream.destroy());
  }

  /** Resolves when more may be sent; also when the node is gone. */
  send(channel: number, payload: Uint8Array | string): Promise<void> {
    if (!this.#stream.writable) return Promise.resolve();
    return new Promise((sent) => this.#stream.write(encodeFrame(channel, payload), () => sent()));
  }

  /** The client sends nothing more on stdin. */
  closeStdin(): Promise<void> {
    return this.send(channels.close, Uint8Array.of(channels.stdin));
  }

  /** Hands everything that comes from the node to the client, until the node says how it ended. Never rejects. */
  async deliver(client: ExecClient): Promise<void> {
    try {
      await client.finish(await this.#deliverFrames(client));
    } catch (error) {
      await client.finish(internalError(error instanceof Error ? error.message : String(error)).toStatus());
    }
  }

  close(): void {
    this.#stream.destroy();
  }

  async #deliverFrames(client: ExecClient): Promise<Partial<Status>> {
    const frames = new FrameReader();
    // An error of the stream's ends the frames with the same error.
    pipeline(this.#stream, frames).catch(() => {});
    for await (const { channel, payload } of frames) {
      if (channel === channels.error) return JSON.parse(payload.toString()) as Partial<Status>;
      if (channel === channels.stdout || channel === channels.stderr) await client.send(channel, payload);
    }
    throw new Error("the node closed the stream before the command had ended");
  }
}
