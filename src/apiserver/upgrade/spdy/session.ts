import { Duplex } from "node:stream";
import { HeaderReader, HeaderWriter, type SpdyHeaders, uint32 } from "./headers.ts";

/**
 * The server's end of SPDY/3.1 (draft-mbelshe-httpbis-spdy-00), as far as Kubernetes' clients speak it: they open
 * streams, the server accepts and closes them. Those clients know no flow control by windows: what a stream may hold
 * here is bounded, and when one is full the whole connection waits for its reader.
 */

const version = 3;
const types = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8 } as const;
const flagFin = 1;
const statusProtocolError = 1;
const statusRefused = 3;
const statusCancel = 5;
const headerBytes = 8;
const longestControlFrame = 64 * 1024;
const mostStreams = 1000;

export interface SpdySessionOptions {
  readonly connection: Duplex;
  /** A stream that the client opened. Throwing refuses it. */
  readonly onStream: (stream: SpdyStream) => void;
}

export class SpdySession {
  readonly #connection: Duplex;
  readonly #onStream: SpdySessionOptions["onStream"];
  readonly #streams = new Map<number, SpdyStream>();
  readonly #read = new HeaderReader();
  readonly #write = new HeaderWriter();
  readonly #bytes: ByteReader;
  #hasEnded = false;

  constructor({ connection, onStream }: SpdySessionOptions) {
    this.#connection = connection;
    this.#onStream = onStream;
    this.#bytes = new ByteReader(connection);
  }

  /** Serves until the connection ends. Never rejects: whatever happens, all streams are over afterwards. */
  async run(): Promise<void> {
    let failure: Error | undefined;
    try {
      while (await this.#frame());
    } catch (error) {
      failure = error as Error;
    } finally {
      this.#hasEnded = true;
      for (const stream of this.#streams.values()) stream.destroy(failure ?? new Error("the client has gone"));
      this.#connection.destroy();
      this.#read[Symbol.dispose]();
      this.#write[Symbol.dispose]();
    }
  }

  /** Says goodbye and closes the connection when everything has been sent. */
  end(): void {
    if (this.#hasEnded) return;
    this.#control(types.goAway, 0, Buffer.concat([uint32(0), uint32(0)]));
    this.#connection.end();
  }

  /** Sends a stream's data; `sent` is called when more may follow. For SpdyStream. */
  send(id: number, { data, isLast }: { data: Buffer; isLast: boolean }, sent: (error?: Error | null) => void): void {
    if (this.#hasEnded) {
      sent();
      return;
    }
    const header = Buffer.concat([uint32(id), uint32(data.length)]);
    header[4] = isLast ? flagFin : 0;
    this.#connection.cork();
    this.#connection.write(header);
    this.#connection.write(data, sent);
    this.#connection.uncork();
  }

  /** The stream is over. For SpdyStream. */
  forget(id: number, { isReset }: { isReset: boolean }): void {
    this.#streams.delete(id);
    if (isReset && !this.#hasEnded) this.#reset(id, statusCancel);
  }

  /** Reads and serves one frame; false at the end. */
  async #frame(): Promise<boolean> {
    const header = await this.#bytes.read(headerBytes);
    if (!header) return false;
    const length = header.readUIntBE(5, 3);
    const isControl = (header[0]! & 0x80) !== 0;
    if (!isControl) return this.#data(header.readUInt32BE(0), header[4]!, length);
    if ((header.readUInt16BE(0) & 0x7fff) !== version) throw new Error("the client does not speak SPDY/3");
    if (length > longestControlFrame) throw new Error(`a control frame of ${length} bytes is too long`);
    const payload = await this.#bytes.read(length);
    if (!payload) return false;
    await this.#serve(header.readUInt16BE(2), header[4]!, payload);
    return true;
  }

  async #serve(type: number, flags: number, payload: Buffer): Promise<void> {
    switch (type) {
      case types.synStream:
        return this.#open(flags, payload);
      // Their headers say nothing that is needed here, but all headers share one compression.
      case types.synReply:
      case types.headers:
        await this.#read.read(payload.subarray(4));
        return;
      case types.rstStream: {
        const stream = this.#streams.get(payload.readUInt32BE(0));
        stream?.reset();
        return;
      }
      case types.ping:
        this.#control(types.ping, 0, payload);
        return;
      default:
        return;
    }
  }

  async #open(flags: number, payload: Buffer): Promise<void> {
    const id = payload.readUInt32BE(0) & 0x7fffffff;
    const headers = await this.#read.read(payload.subarray(10));
    if (id % 2 === 0 || this.#streams.has(id)) return this.#reset(id, statusProtocolError);
    if (this.#streams.size >= mostStreams) return this.#reset(id, statusRefused);
    const stream = new SpdyStream(this, id, headers);
    this.#streams.set(id, stream);
    // Before anyone can write: clients drop what comes on a stream before the reply.
    this.#control(types.synReply, 0, Buffer.concat([uint32(id), await this.#write.write({})]));
    try {
      this.#onStream(stream);
    } catch {
      this.#streams.delete(id);
      return this.#reset(id, statusRefused);
    }
    if (flags & flagFin) await stream.receive(null);
  }

  /** Hands a data frame on piece by piece: a frame may be larger than what should be held. */
  async #data(id: number, flags: number, length: number): Promise<boolean> {
    const stream = this.#streams.get(id);
    for (let left = length; left > 0; ) {
      const piece = await this.#bytes.readSome(left);
      if (!piece) return false;
      left -= piece.length;
      await stream?.receive(piece);
    }
    if (flags & flagFin) await stream?.receive(null);
    return true;
  }

  #reset(id: number, status: number): void {
    this.#control(types.rstStream, 0, Buffer.concat([uint32(id), uint32(status)]));
  }

  #control(type: number, flags: number, payload: Buffer): void {
    const header = Buffer.alloc(headerBytes);
    header.writeUInt16BE(0x8000 | version, 0);
    header.writeUInt16BE(type, 2);
    header.writeUInt32BE(payload.length, 4);
    header[4] = flags;
    if (this.#connection.writable) this.#connection.write(Buffer.concat([header, payload]));
  }
}

/** A stream that the client opened. */
export class SpdyStream extends Duplex {
  readonly headers: SpdyHeaders;
  readonly #session: SpdySession;
  readonly #id: number;
  #wanted: (() => void) | undefined;
  #hasEnded = false;

  constructor(session: SpdySession, id: number, headers: SpdyHeaders) {
    super({ highWaterMark: 64 * 1024 });
    this.headers = headers;
    this.#session = session;
    this.#id = id;
    // A stream that breaks is told to those who read it; nobody has to be there.
    this.on("error", () => {});
  }

  /** Takes data from the client, null at its end; resolves when more may come. */
  async receive(data: Buffer | null): Promise<void> {
    if (this.destroyed || this.#hasEnded) return;
    if (data === null) this.#hasEnded = true;
    if (this.push(data) || data === null) return;
    await new Promise<void>((wanted) => {
      this.#wanted = wanted;
    });
  }

  /** The client reset the stream. */
  reset(): void {
    this.#hasEnded = true;
    this.destroy(new Error("the client has reset the stream"));
  }

  override _read(): void {
    this.#wanted?.();
    this.#wanted = undefined;
  }

  override _write(data: Buffer, _encoding: BufferEncoding, sent: (error?: Error | null) => void): void {
    this.#session.send(this.#id, { data, isLast: false }, sent);
  }

  override _final(sent: (error?: Error | null) => void): void {
    this.#session.send(this.#id, { data: Buffer.alloc(0), isLast: true }, sent);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this._read();
    const isReset = !this.writableFinished || !this.#hasEnded;
    this.#session.forget(this.#id, { isReset });
    done(error);
  }
}

/** Reads a stream by numbers of bytes. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(stream: Duplex) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes; undefined when there are not so many before the end. */
  async read(length: number): Promise<Buffer | undefined> {
    while (this.#held.length < length) if (!(await this.#more())) return undefined;
    return this.#take(length);
  }

  /** At least one byte and at most so many. */
  async readSome(length: number): Promise<Buffer | undefined> {
    if (this.#held.length === 0 && !(await this.#more())) return undefined;
    return this.#take(Math.min(length, this.#held.length));
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done) return false;
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value]);
    return true;
  }

  #take(length: number): Buffer {
    const taken = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    return taken;
  }
}
