import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { HeaderReader, HeaderWriter, type SpdyHeaders, uint32 } from "../spdy/headers.ts";

/** A frame as it came from the server. `type` is "data" or the number of a control frame. */
export interface SpdyFrame {
  readonly type: number | "data";
  readonly stream: number;
  readonly isLast: boolean;
  readonly payload: Buffer;
}

/** As much of a SPDY/3.1 client as the tests need: what kubectl up to 1.29 does. */
export class SpdyClient {
  readonly protocol: string | undefined;
  readonly frames: SpdyFrame[] = [];
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #headers = new HeaderWriter();
  readonly #replies = new HeaderReader();
  #nextId = 1;

  constructor(socket: Socket, response: IncomingMessage) {
    this.#socket = socket;
    this.protocol = response.headers["x-stream-protocol-version"]?.toString();
    socket.on("error", () => {});
    // A connection that breaks ends the frames; the tests look at what came.
    this.closed = this.#read().catch(() => {});
  }

  async open(headers: SpdyHeaders, { isLast = false } = {}): Promise<number> {
    const id = this.#nextId;
    this.#nextId += 2;
    const block = await this.#headers.write(headers);
    this.control(1, Buffer.concat([uint32(id), uint32(0), Buffer.alloc(2), block]), isLast ? 1 : 0);
    return id;
  }

  send(stream: number, data: string | Buffer, { isLast = false } = {}): void {
    const payload = Buffer.from(data);
    const header = Buffer.concat([uint32(stream), uint32(payload.length)]);
    header[4] = isLast ? 1 : 0;
    this.#socket.write(Buffer.concat([header, payload]));
  }

  control(type: number, payload: Buffer, flags = 0): void {
    const header = Buffer.concat([Buffer.from([0x80, 3, 0, type]), uint32(payload.length)]);
    header[4] = flags;
    this.#socket.write(Buffer.concat([header, payload]));
  }

  /** Bytes as they are. */
  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Everything that came on a stream so far. */
  received(stream: number): string {
    const data = this.frames.filter((frame) => frame.type === "data" && frame.stream === stream);
    return Buffer.concat(data.map(({ payload }) => payload)).toString();
  }

  hasEnded(stream: number): boolean {
    return this.frames.some((frame) => frame.type === "data" && frame.stream === stream && frame.isLast);
  }

  async #read(): Promise<void> {
    let held: Buffer = Buffer.alloc(0);
    for await (const chunk of this.#socket) {
      held = Buffer.concat([held, chunk as Buffer]);
      while (held.length >= 8 && held.length >= 8 + held.readUIntBE(5, 3)) {
        const end = 8 + held.readUIntBE(5, 3);
        const isControl = (held[0]! & 0x80) !== 0;
        const payload = held.subarray(8, end);
        const type = isControl ? held.readUInt16BE(2) : "data";
        if (type === 2) await this.#replies.read(payload.subarray(4));
        const stream = isControl ? (payload.length >= 4 ? payload.readUInt32BE(0) : 0) : held.readUInt32BE(0);
        this.frames.push({ type, stream, isLast: (held[4]! & 1) !== 0, payload });
        held = held.subarray(end);
      }
    }
  }
}

/** Asks for the upgrade. Resolves with the answer when the server refuses. */
export function openSpdy(url: string, protocols: readonly string[]): Promise<SpdyClient | IncomingMessage> {
  const headers = { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": [...protocols] };
  return new Promise((resolve, reject) => {
    const asking: ClientRequest = request(url, { method: "POST", headers });
    asking.once("upgrade", (response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(new SpdyClient(socket as Socket, response));
    });
    asking.once("response", resolve);
    asking.once("error", reject);
    asking.end();
  });
}
