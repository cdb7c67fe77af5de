import { X509Certificate } from "node:crypto";

/** A block of PEM text (RFC 7468; headers as in RFC 1421). */
export interface PemBlock {
  readonly type: string;
  readonly hasHeaders: boolean;
  readonly bytes: Buffer;
}

const head = /(?:^|\n)-----BEGIN ([^\n]*?)-----[ \t]*\r?(?:\n|$)/g;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The blocks of a text in their order, as Go's encoding/pem finds them: what is between them, and what is no block, is passed over. */
export function* pemBlocks(text: string): Generator<PemBlock> {
  let from = 0;
  for (;;) {
    head.lastIndex = from;
    const begin = head.exec(text);
    if (!begin) return;
    const [whole, type = ""] = begin;
    const after = begin.index + whole.length;
    const found = blockAt(text.slice(after), type);
    if (found) yield found.block;
    // The line break behind a block may be the one before the next.
    from = found ? after + found.length : after - 1;
  }
}

/** What follows the line that begins a block, up to the line that ends it; undefined where it is no block. */
function blockAt(text: string, type: string): { block: PemBlock; length: number } | undefined {
  const headers = /^(?:[^\n]*:[^\n]*\n)*/.exec(text)?.[0] ?? "";
  const rest = text.slice(headers.length);
  const end = headers === "" && rest.startsWith("-----END ") ? 0 : rest.indexOf("\n-----END ");
  if (end < 0) return undefined;
  const [line] = /^\n?[^\n]*/.exec(rest.slice(end)) ?? [""];
  if (line.trim() !== `-----END ${type}-----`) return undefined;
  const body = rest.slice(0, end).replace(/[ \t\r\n]/g, "");
  if (!base64.test(body)) return undefined;
  const block = { type, hasHeaders: headers !== "", bytes: Buffer.from(body, "base64") };
  return { block, length: headers.length + end + line.length };
}

/** Whether the bytes of a block are a certificate that can be read. */
export function isCertificate(der: Buffer): boolean {
  try {
    return new X509Certificate(der).raw.length > 0;
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}
