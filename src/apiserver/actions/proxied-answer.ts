import { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { deflateRaw, gunzip, gzip, inflateRaw } from "node:zlib";
import type { NodeResponse } from "../node-dialer.ts";
import { linkThroughProxy, type PagePlace, pageThroughProxy } from "./proxied-links.ts";

type Coding = (bytes: Buffer) => Promise<Buffer>;
const asItIs: Coding = async (bytes) => bytes;
/** The codings in which a page is read and written again. */
const codings: Readonly<Record<string, { readonly read: Coding; readonly write: Coding }>> = {
  "": { read: asItIs, write: asItIs },
  gzip: { read: promisify(gunzip) as Coding, write: promisify(gzip) as Coding },
  deflate: { read: promisify(inflateRaw) as Coding, write: promisify(deflateRaw) as Coding },
};

/** An answer whose links, where it is a page or sends elsewhere, lead through the proxy; others pass as they come. */
export async function throughProxy(answer: NodeResponse, place: PagePlace): Promise<NodeResponse> {
  const { location, ...headers } = answer.headers;
  if (location) return { ...answer, headers: { ...headers, location: linkThroughProxy(location, place) } };
  const coding = codings[headers["content-encoding"] ?? ""];
  const type = (headers["content-type"] ?? "").split(";")[0]?.trim();
  if (type !== "text/html" || !coding) return answer;
  const bytes = await buffer(answer.stream);
  if (bytes.length === 0) return { ...answer, stream: Duplex.from([]) };
  const page = pageThroughProxy((await coding.read(bytes)).toString("utf8"), place);
  const written = await coding.write(Buffer.from(page));
  return {
    ...answer,
    headers: { ...headers, "content-length": String(written.length) },
    stream: Duplex.from([written]),
  };
}
