import { PassThrough, type Readable, Transform } from "node:stream";

const headerBytes = 8;
const stderrStream = 2;

/**
 * Splits the one stream in which Docker sends a container's two (Engine API, "Attach to a container", section "Stream
 * format": a byte naming the stream, three of nothing, the length in four, then the data). Slow readers hold the source up.
 */
export function demux(source: Readable): { stdout: Readable; stderr: Readable } {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  void distribute(source, stdout, stderr).then(
    () => {
      stdout.end();
      stderr.end();
    },
    (error: Error) => {
      stdout.destroy(error);
      stderr.destroy(error);
    },
  );
  return { stdout, stderr };
}

async function distribute(source: Readable, stdout: PassThrough, stderr: PassThrough): Promise<void> {
  for await (const { stream, data } of frames(source)) {
    const to = stream === stderrStream ? stderr : stdout;
    if (to.destroyed) continue;
    if (!to.write(data)) await drained(to);
  }
}

/** The same with both streams in one, in the order Docker sends them. */
export function merged(): Transform {
  const reader = new FrameReader();
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (const { data } of reader.read(chunk)) this.push(data);
      done();
    },
  });
}

async function* frames(source: Readable): AsyncGenerator<Frame> {
  const reader = new FrameReader();
  for await (const chunk of source) yield* reader.read(chunk as Buffer);
}

interface Frame {
  readonly stream: number;
  readonly data: Buffer;
}

/** Reads frames from chunks cut anywhere; passes on parts of a frame as they come, so that nothing is collected. */
export class FrameReader {
  #header = Buffer.alloc(0);
  #stream = 0;
  #left = 0;

  *read(chunk: Buffer): Generator<Frame> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === 0) {
        const missing = headerBytes - this.#header.length;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (this.#header.length < headerBytes) return;
        this.#stream = this.#header[0] ?? 0;
        this.#left = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
        continue;
      }
      const data = rest.subarray(0, this.#left);
      this.#left -= data.length;
      rest = rest.subarray(data.length);
      yield { stream: this.#stream, data };
    }
  }
}

function drained(stream: PassThrough): Promise<void> {
  return new Promise((done) => {
    const finish = () => {
      stream.off("drain", finish);
      stream.off("close", finish);
      done();
    };
    stream.on("drain", finish);
    stream.on("close", finish);
  });
}
