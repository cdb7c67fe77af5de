import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { pemBlocks } from "../../pem.ts";

interface Block {
  readonly type: string;
  readonly text: string;
}

/** What is wrong with a certificate and the key that should be its own, in the words of Go's crypto/tls; undefined: nothing. */
export function pairFault(certificatePem: string, keyPem: string): string | undefined {
  const certificates = blocksOf(certificatePem);
  const first = certificates.find(({ type }) => type === "CERTIFICATE");
  if (!first) return missingCertificate(certificates);
  const keys = blocksOf(keyPem);
  const key = keys.find(({ type }) => type === "PRIVATE KEY" || type.endsWith(" PRIVATE KEY"));
  return key ? mismatch(first, key) : missingKey(keys);
}

function blocksOf(pem: string): Block[] {
  return [...pemBlocks(pem)].map(({ type, bytes }) => ({
    type,
    text: `-----BEGIN ${type}-----\n${bytes.toString("base64")}\n-----END ${type}-----\n`,
  }));
}

function missingCertificate(blocks: readonly Block[]): string {
  const [first] = blocks;
  if (!first) return "tls: failed to find any PEM data in certificate input";
  if (blocks.length === 1 && first.type.endsWith("PRIVATE KEY"))
    return "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched";
  return `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: ${typesOf(blocks)}`;
}

function missingKey(blocks: readonly Block[]): string {
  const [first] = blocks;
  if (!first) return "tls: failed to find any PEM data in key input";
  if (blocks.length === 1 && first.type === "CERTIFICATE")
    return "tls: found a certificate rather than a key in the PEM for the private key";
  return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: ${typesOf(blocks)}`;
}

function typesOf(blocks: readonly Block[]): string {
  return `[${blocks.map(({ type }) => type).join(" ")}]`;
}

function mismatch(certificateBlock: Block, keyBlock: Block): string | undefined {
  const certificate = readOr(() => new X509Certificate(certificateBlock.text));
  if (!certificate) return "x509: malformed certificate";
  const key = readOr<KeyObject>(() => createPrivateKey(keyBlock.text));
  if (!key) return "tls: failed to parse private key";
  if (certificate.publicKey.asymmetricKeyType !== key.asymmetricKeyType)
    return "tls: private key type does not match public key type";
  return certificate.checkPrivateKey(key) ? undefined : "tls: private key does not match public key";
}

/** What OpenSSL makes of a text; undefined where it makes nothing of it. */
function readOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}
