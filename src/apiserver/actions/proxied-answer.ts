import { type Duplex, pipeline } from "node:stream";
import { createDeflate, createGunzip, createGzip, createInflate } from "node:zlib";
import { RewritingStream } from "parse5-html-rewriting-stream";
import type { NodeResponse } from "../node-dialer.ts";

/** Attributes of HTML that hold an address, by element. */
const addresses: Readonly<Record<string, readonly string[]>> = {
  a: ["href"],
  area: ["href"],
  audio: ["src"],
  base: ["href"],
  blockquote: ["cite"],
  body: ["background"],
  button: ["formaction"],
  del: ["cite"],
  embed: ["src"],
  form: ["action"],
  frame: ["longdesc", "src"],
  head: ["profile"],
  html: ["manifest"],
  iframe: ["longdesc", "src"],
  img: ["longdesc", "src", "usemap"],
  input: ["formaction", "src", "usemap"],
  ins: ["cite"],
  link: ["href"],
  object: ["classid", "codebase", "data", "usemap"],
  q: ["cite"],
  script: ["src"],
  source: ["src"],
  video: ["poster", "src"],
};

const codings = {
  "": undefined,
  gzip: { decode: createGunzip, encode: createGzip },
  deflate: { decode: createInflate, encode: createDeflate },
} as const;

export interface ProxyPlace {
  /** The path of the proxy itself: what the one behind it calls "/" is below it. */
  readonly prefix: string;
  /** The Host that the client named. */
  readonly host: string;
  /** The address and port of the one behind the proxy; "" for a node. */
  readonly source: string;
}

/**
 * What somebody behind a proxy subresource answered, with its addresses moved below the proxy's path: redirects and the
 * links of HTML pages, so that a page that thinks of itself as "/" works in a browser (as Kubernetes' API server does it).
 */
export function proxiedAnswer(answer: NodeResponse, place: ProxyPlace): NodeResponse {
  const headers = Object.fromEntries(
    // Which other sites may read an answer is for the API server to say.
    Object.entries(answer.headers).filter(([name]) => !name.startsWith("access-control-allow-")),
  );
  if (headers.location !== undefined) headers.location = moved(headers.location, place);
  const coding = headers["content-encoding"] ?? "";
  if (!isHtml(headers["content-type"]) || !(coding in codings)) return { ...answer, headers };
  delete headers["content-length"];
  const { decode, encode } = codings[coding as keyof typeof codings] ?? {};
  const readable: Duplex = decode ? decode() : answer.stream;
  readable.setEncoding("utf8");
  const steps = [...(decode ? [readable] : []), rewriter(place), ...(encode ? [encode()] : [])];
  // What breaks breaks the last of them, which is read.
  const stream = pipeline([answer.stream, ...steps], () => {}) as unknown as Duplex;
  return { ...answer, headers, stream };
}

function isHtml(contentType = ""): boolean {
  const [type = "", ...parameters] = contentType.toLowerCase().split(";");
  const charset = parameters.map((text) => text.trim()).find((text) => text.startsWith("charset="));
  return type.trim() === "text/html" && (charset === undefined || charset === "charset=utf-8");
}

function rewriter(place: ProxyPlace): RewritingStream {
  const stream = new RewritingStream();
  stream.on("startTag", (tag, raw) => {
    const names = addresses[tag.tagName] ?? [];
    const changed = tag.attrs.filter(({ name, value }) => names.includes(name) && moved(value, place) !== value);
    if (changed.length === 0) return stream.emitRaw(raw);
    for (const attribute of changed) attribute.value = moved(attribute.value, place);
    stream.emitStartTag(tag);
  });
  return stream;
}

/** An address as it is below the proxy; another server's stays, and so does one that is relative: it goes on from the page's own. */
function moved(address: string, { prefix, host, source }: ProxyPlace): string {
  const match = /^((?:[a-z][a-z0-9+.-]*:)?\/\/([^/?#]*))?(\/.*)$/is.exec(address.trim());
  if (!match) return address;
  const [, place = "", named = "", path = ""] = match;
  if (named !== "" && named !== host && named !== source) return address;
  const own = named === host ? place : "";
  return own + (path === prefix || path.startsWith(`${prefix}/`) ? path : prefix + path);
}
