import { createDeflate, createInflate, constants as zlib } from "node:zlib";
import { headerDictionary } from "./dictionary.ts";

export type SpdyHeaders = Readonly<Record<string, string>>;

// A client that is sent as little as this cannot make much of it: what a header block may unfold to.
const longestBlock = 64 * 1024;

/** Reads the header blocks of a connection. They share one compression: each must be read, in order. */
export class HeaderReader implements Disposable {
  readonly #inflate = createInflate({ dictionary: headerDictionary, finishFlush: zlib.Z_SYNC_FLUSH });
  #parts: Buffer[] = [];
  #length = 0;

  constructor() {
    this.#inflate.on("data", (part: Buffer) => {
      this.#length += part.length;
      if (this.#length <= longestBlock) this.#parts.push(part);
    });
  }

  async read(block: Buffer): Promise<SpdyHeaders> {
    this.#parts = [];
    this.#length = 0;
    await new Promise<void>((resolve, reject) => {
      this.#inflate.once("error", reject);
      this.#inflate.write(block, () => {
        this.#inflate.off("error", reject);
        resolve();
      });
    });
    if (this.#length > longestBlock) throw new Error("a header block is too long");
    return parseBlock(Buffer.concat(this.#parts));
  }

  [Symbol.dispose](): void {
    this.#inflate.on("error", () => {});
    this.#inflate.destroy();
  }
}

/** Writes the header blocks of a connection. */
export class HeaderWriter implements Disposable {
  readonly #deflate = createDeflate({ dictionary: headerDictionary });
  #parts: Buffer[] = [];

  constructor() {
    this.#deflate.on("data", (part: Buffer) => this.#parts.push(part));
  }

  /** One call after the other: each waits for the last. */
  async write(headers: SpdyHeaders): Promise<Buffer> {
    this.#parts = [];
    this.#deflate.write(encodeBlock(headers));
    await new Promise<void>((done) => this.#deflate.flush(zlib.Z_SYNC_FLUSH, () => done()));
    return Buffer.concat(this.#parts);
  }

  [Symbol.dispose](): void {
    this.#deflate.destroy();
  }
}

function parseBlock(block: Buffer): SpdyHeaders {
  const headers: Record<string, string> = {};
  let at = 4;
  const text = () => {
    const end = at + 4 + block.readUInt32BE(at);
    if (end > block.length) throw new Error("a header block is cut off");
    const value = block.toString("utf8", at + 4, end);
    at = end;
    return value;
  };
  for (let left = block.readUInt32BE(0); left > 0; left--) {
    const name = text().toLowerCase();
    // Several values of one name are separated by NUL; every header that matters here has one.
    headers[name] = text().split("\0")[0] ?? "";
  }
  return headers;
}

function encodeBlock(headers: SpdyHeaders): Buffer {
  const texts = Object.entries(headers).flat();
  const parts = texts.map((value) => Buffer.from(value)).flatMap((value) => [uint32(value.length), value]);
  return Buffer.concat([uint32(texts.length / 2), ...parts]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
