import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { bitString, type DerValue, objectIdentifier, sequence, valuesIn, within } from "./der.ts";
import { pemBlocks } from "./pem.ts";

// Attribute "organizationName" of a distinguished name.
const organization = Buffer.from([0x55, 0x04, 0x0a]);

/** The bytes of a certificate request: of the first block of a text, if that is one. */
function requestIn(pem: string): Buffer | undefined {
  const [first] = pemBlocks(pem);
  return first?.type === "CERTIFICATE REQUEST" ? first.bytes : undefined;
}

/** The organizations that a certificate request names as its subject (RFC 2986); undefined for what is no request. */
export function organizationsIn(pem: string): string[] | undefined {
  const bytes = requestIn(pem);
  if (bytes === undefined) return undefined;
  const [request] = valuesIn(bytes);
  const [info] = within(request, sequence);
  const [, subject] = within(info, sequence);
  if (subject?.tag !== sequence) return undefined;
  return valuesIn(subject.content)
    .flatMap((names) => valuesIn(names.content))
    .map((attribute) => valuesIn(attribute.content))
    .flatMap(([type, value]) =>
      type?.tag === objectIdentifier && type.content.equals(organization) && value ? [value.content.toString()] : [],
    );
}

/** What is wrong with a certificate request (PEM): its form, or its signature; in Go's words. */
export function requestFault(pem: string): string | undefined {
  const bytes = requestIn(pem);
  if (!bytes) return "PEM block type must be CERTIFICATE REQUEST";
  if (bytes.length === 0) return "asn1: syntax error: sequence truncated";
  const [request] = valuesIn(bytes);
  if (!request) return "asn1: syntax error: data truncated";
  if (request.tag !== sequence) return unexpectedTag(request);
  if (request.whole.length < bytes.length) return "asn1: syntax error: trailing data";
  const [info, algorithm, signature] = valuesIn(request.content);
  if (info?.tag !== sequence || algorithm?.tag !== sequence || signature?.tag !== bitString)
    return "asn1: syntax error: sequence truncated";
  return signatureFault({ info, algorithm, signature });
}

/** What Go says of a value of another tag than that of a request. */
function unexpectedTag({ tag, content, whole }: DerValue): string {
  const found = `{class:${tag >> 6} tag:${tag & 0x1f} length:${content.length} isCompound:${(tag & 0x20) !== 0}}`;
  const wanted =
    "{optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false}";
  const at = whole.length - content.length;
  return `asn1: structure error: tags don't match (16 vs ${found}) ${wanted} certificateRequest @${at}`;
}

/** Signatures of X.509 by their algorithm, in hexadecimal; null: the key says which digest. */
const digests: Readonly<Record<string, string | null>> = {
  "2a864886f70d010105": "sha1",
  "2a864886f70d01010b": "sha256",
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  "2a8648ce3d0401": "sha1",
  "2a8648ce3d040302": "sha256",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
  "2b6570": null,
};
const failures: Readonly<Record<string, string>> = {
  rsa: "crypto/rsa: verification error",
  ec: "x509: ECDSA verification failure",
  ed25519: "x509: Ed25519 verification failure",
};
const rsaPss = "2a864886f70d01010a";

interface Signed {
  readonly info: DerValue;
  readonly algorithm: DerValue;
  readonly signature: DerValue;
}

/** A request is signed with the key that it asks a certificate for. */
function signatureFault({ info, algorithm, signature }: Signed): string | undefined {
  const [, , publicKey] = valuesIn(info.content);
  const key = publicKey && keyFrom(publicKey.whole);
  if (!key) return "x509: failed to parse public key";
  const name = valuesIn(algorithm.content)[0]?.content.toString("hex") ?? "";
  // Its digest and salt are in parameters that OpenSSL is not asked about here.
  if (name === rsaPss) return undefined;
  const digest = digests[name];
  const failure = failures[key.asymmetricKeyType ?? ""];
  if (digest === undefined || !failure) return "x509: cannot verify signature: algorithm unimplemented";
  return verify(digest, info.whole, key, signature.content.subarray(1)) ? undefined : failure;
}

function keyFrom(der: Buffer): KeyObject | undefined {
  try {
    return createPublicKey({ key: der, format: "der", type: "spki" });
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}
