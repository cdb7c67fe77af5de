import { Transform, type TransformCallback } from "node:stream";
import type { Status } from "./status.ts";

/**
 * How the streams of exec and attach travel between API server and node, whatever protocol the client speaks: the API
 * server ends WebSocket and SPDY and speaks this on a stream of the tunnel. Both directions carry frames:
 *
 *     channel (1 byte) · length of the payload (4 bytes, big-endian) · payload
 *
 * The channels are those of the WebSocket protocol v5.channel.k8s.io. The request's path is the kubelet's:
 *
 *     POST /exec/NAMESPACE/POD/CONTAINER?command=ls&command=-l&input=1&output=1&error=1&tty=1
 *     POST /attach/NAMESPACE/POD/CONTAINER?input=1&output=1&error=1&tty=1
 *     POST /portForward/NAMESPACE/POD?port=8080
 *
 * `input`, `output`, `error` and `tty` are "1" or absent; with `tty` there is no `error`. The node answers 200 and
 * frames follow, or another status with a Status object as the body. To the node go stdin, resize, and close with the
 * payload [0] when the client has no more input. From the node come stdout and stderr, and as the last frame error
 * with a Status: Success, a command's exit code (`exitStatus`), or what went wrong; then the node ends the stream. A
 * stream that the API server resets means that the client is gone.
 *
 * Port forwarding has no frames: one stream is one connection to the port, raw bytes both ways after the 200, and each
 * direction is ended by itself.
 */
export const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

export interface Frame {
  readonly channel: number;
  readonly payload: Buffer;
}

const headerBytes = 5;

/** The longest payload that a frame may have; writers cut what is longer. */
export const longestPayload = 1024 * 1024;

/** The payload as a frame; as several when it is too long for one. */
export function encodeFrame(channel: number, payload: Uint8Array | string): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  const parts: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += longestPayload) {
    const part = bytes.subarray(at, at + longestPayload);
    const header = Buffer.allocUnsafe(headerBytes);
    header[0] = channel;
    header.writeUInt32BE(part.length, 1);
    parts.push(header, part);
  }
  return Buffer.concat(parts);
}

/** Turns bytes, cut anywhere, into frames. Holds at most one frame. */
export class FrameReader extends Transform {
  #parts: Buffer[] = [];
  #held = 0;

  constructor() {
    super({ readableObjectMode: true, readableHighWaterMark: 4 });
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#parts.push(chunk);
    this.#held += chunk.length;
    try {
      for (let frame = this.#take(); frame; frame = this.#take()) this.push(frame);
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    done(this.#held > 0 ? new Error("the stream ended in the middle of a frame") : null);
  }

  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<Frame> {
    return super[Symbol.asyncIterator]();
  }

  #take(): Frame | undefined {
    if (this.#held < headerBytes) return undefined;
    const header = this.#join(headerBytes);
    const length = header.readUInt32BE(1);
    if (length > longestPayload) throw new Error(`a frame of ${length} bytes is longer than ${longestPayload}`);
    if (this.#held < headerBytes + length) return undefined;
    const bytes = this.#join(headerBytes + length);
    this.#parts[0] = bytes.subarray(headerBytes + length);
    this.#held -= headerBytes + length;
    if (this.#parts[0].length === 0) this.#parts.shift();
    return { channel: bytes[0]!, payload: bytes.subarray(headerBytes, headerBytes + length) };
  }

  /** Makes the first part at least `length` bytes long. */
  #join(length: number): Buffer {
    const first = this.#parts[0]!;
    if (first.length >= length) return first;
    this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0]!;
  }
}

/** The size of a terminal, the payload of the resize channel. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** The size in a payload as clients write it (`{"Width":80,"Height":24}`); undefined for what is no size. */
export function decodeTerminalSize(payload: Uint8Array): TerminalSize | undefined {
  try {
    const { Width: width, Height: height } = JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>;
    return isSize(width) && isSize(height) ? { width, height } : undefined;
  } catch {
    return undefined;
  }
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) <= 0xffff;
}

/** How a command ended, as the kubelet words it: the last frame of an exec. kubectl exits with the same code. */
export function exitStatus(code: number): Partial<Status> {
  if (code === 0) return { metadata: {}, status: "Success" };
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
  };
}

/**
 * The protocol to which a request passed on by a node is to change, and to which the pod then did: between server and node
 * runs HTTP/2, which knows no such header of its own.
 */
export const upgradeHeader = "x-skiff-upgrade";
