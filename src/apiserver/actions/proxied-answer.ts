import { Duplex } from "node:stream";
import { promisify } from "node:util";
import { deflateRaw, gunzip, gzip, inflateRaw, type ZlibOptions } from "node:zlib";
import type { NodeResponse } from "../node-dialer.ts";
import { linkThroughProxy, type PagePlace, pageThroughProxy } from "./proxied-links.ts";

// What is longer is no page, and passes as it comes: a pod must not fill the server's memory.
const longestPageBytes = 8 << 20;

type Coding = (bytes: Buffer) => Promise<Buffer>;
const asItIs: Coding = async (bytes) => bytes;
const bounded: ZlibOptions = { maxOutputLength: longestPageBytes };
/** The codings in which a page is read and written again. */
const codings: Readonly<Record<string, { readonly read: Coding; readonly write: Coding }>> = {
  "": { read: asItIs, write: asItIs },
  gzip: { read: (bytes) => promisify(gunzip)(bytes, bounded), write: (bytes) => promisify(gzip)(bytes) },
  deflate: { read: (bytes) => promisify(inflateRaw)(bytes, bounded), write: (bytes) => promisify(deflateRaw)(bytes) },
};

/** An answer whose links, where it is a page or sends elsewhere, lead through the proxy; others pass as they come. */
export async function throughProxy(answer: NodeResponse, place: PagePlace): Promise<NodeResponse> {
  const { location, ...headers } = answer.headers;
  if (location) return { ...answer, headers: { ...headers, location: linkThroughProxy(location, place) } };
  const coding = codings[headers["content-encoding"] ?? ""];
  const type = (headers["content-type"] ?? "").split(";")[0]?.trim();
  if (type !== "text/html" || !coding) return answer;
  const { bytes, rest } = await readPage(answer.stream);
  const asItCame = { ...answer, stream: Duplex.from(joined(bytes, rest)) };
  if (rest || bytes.length === 0) return asItCame;
  try {
    const page = pageThroughProxy((await coding.read(bytes)).toString("utf8"), place);
    const written = await coding.write(Buffer.from(page));
    return {
      ...answer,
      headers: { ...headers, "content-length": String(written.length) },
      stream: Duplex.from([written]),
    };
  } catch {
    return asItCame; // it is not in the coding that it says, or very long: for the client to judge
  }
}

/** All of a stream; of a long one the beginning, and the rest still to be read. */
async function readPage(stream: Duplex): Promise<{ bytes: Buffer; rest?: AsyncIterator<Buffer> }> {
  const parts: Buffer[] = [];
  let length = 0;
  const rest: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]();
  for (let part = await rest.next(); !part.done; part = await rest.next()) {
    parts.push(part.value);
    length += part.value.length;
    if (length > longestPageBytes) return { bytes: Buffer.concat(parts), rest };
  }
  return { bytes: Buffer.concat(parts) };
}

async function* joined(bytes: Buffer, rest: AsyncIterator<Buffer> | undefined): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes;
  for (let part = await rest?.next(); part && !part.done; part = await rest?.next()) yield part.value;
}
