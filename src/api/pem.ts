import { X509Certificate } from "node:crypto";

/** A block of PEM text (RFC 7468; headers as in RFC 1421). */
export interface PemBlock {
  readonly type: string;
  readonly hasHeaders: boolean;
  readonly bytes: Buffer;
}

const begin = /^-----BEGIN (.*)-----$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A block that has begun. */
interface Begun {
  readonly type: string;
  hasHeaders: boolean;
  readonly body: string[];
}

/**
 * The blocks of a text in their order, as Go's encoding/pem finds them: what is between them, and what is no block, is passed over.
 * Each line is looked at once, because the text may be somebody's attempt to keep the server busy.
 */
export function* pemBlocks(text: string): Generator<PemBlock> {
  let begun: Begun | undefined;
  for (const given of text.split("\n")) {
    const line = given.trimEnd();
    if (begun?.body.length === 0 && line.includes(":")) {
      begun.hasHeaders = true;
      continue;
    }
    const [, type] = begin.exec(line) ?? [];
    if (type !== undefined) begun = { type, hasHeaders: false, body: [] };
    else if (line.startsWith("-----END ")) {
      const block = begun && line === `-----END ${begun.type}-----` ? blockFrom(begun) : undefined;
      if (block) yield block;
      begun = undefined;
    } else begun?.body.push(line);
  }
}

/** Undefined where the body is no Base64, or no line stands between headers and the end. */
function blockFrom({ type, hasHeaders, body }: Begun): PemBlock | undefined {
  const text = body.join("").replace(/[ \t\r]/g, "");
  if (!base64.test(text) || (hasHeaders && body.length === 0)) return undefined;
  return { type, hasHeaders, bytes: Buffer.from(text, "base64") };
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
