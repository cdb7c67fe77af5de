import "reflect-metadata";
import { createHash, createPrivateKey, createPublicKey, KeyObject, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(webcrypto);

/** A certificate and its private key, both in PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface LeafRequest {
  /** The user name of a client, the host name of a server. */
  readonly commonName: string;
  /** The groups of a client. */
  readonly organizations?: readonly string[];
  readonly usage: "server" | "client";
  /** DNS names and IP addresses under which a server is reached. */
  readonly sans?: readonly string[];
}

export const signingAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 24 * 60 * 60 * 1000;
/** Validity of certificate authorities, in days. */
export const authorityDays = 3650;
/** How long a leaf lives unless the user says otherwise. */
export const usualLeafMs = 365 * dayMs;

/** When a leaf is made, and how long it lives. */
export interface LeafLife {
  readonly nowMs: number;
  readonly lifetimeMs?: number;
}

const earliestMs = Date.UTC(2026, 0, 1);

/** Makes a self-signed certificate authority. */
export async function makeAuthority(commonName: string, nowMs: number): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: new x509.Name([{ CN: [commonName] }]).toString(),
    keys,
    // An hour back, so that a client whose clock is a little behind accepts it at once.
    notBefore: new Date(sensible(nowMs) - 60 * 60 * 1000),
    notAfter: new Date(sensible(nowMs) + authorityDays * dayMs),
    serialNumber: serialNumber(),
    signingAlgorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pemOf(certificate), key: privatePem(keys.privateKey) };
}

/** What one authority says of another: who believes it finds a way to what the other signs. */
export async function crossSign(authority: KeyPair, otherCert: string): Promise<string> {
  const [issuer, other] = [new x509.X509Certificate(authority.cert), new x509.X509Certificate(otherCert)];
  const certificate = await x509.X509CertificateGenerator.create({
    subject: other.subject,
    issuer: issuer.subject,
    notBefore: issuer.notBefore,
    notAfter: issuer.notAfter,
    serialNumber: serialNumber(),
    ...(await signingWith(authority.key)),
    publicKey: other.publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(other.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return pemOf(certificate);
}

/** Makes a key and has the authority sign a certificate for it. */
export async function issueLeaf(authority: KeyPair, request: LeafRequest, life: LeafLife): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ["sign", "verify"]);
  const cert = await signLeaf(authority, request, keys.publicKey, life);
  return { cert, key: privatePem(keys.privateKey) };
}

/** Makes a private key, in PEM. */
export async function makeKey(): Promise<string> {
  return privatePem((await webcrypto.subtle.generateKey(signingAlgorithm, true, ["sign", "verify"])).privateKey);
}

/** A request (PKCS #10, PEM) that shows that its sender has the key. */
export async function makeRequest(key: string, commonName: string): Promise<string> {
  const [privateKey, publicKey] = await Promise.all([importPrivateKey(key), importPublicKey(key)]);
  const name = new x509.Name([{ CN: [commonName] }]).toString();
  const keys = { privateKey, publicKey };
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm });
  return `${request.toString("pem")}\n`;
}

/** A request whose sender has the key that it names. */
export interface VerifiedRequest {
  readonly publicKey: x509.PublicKey;
  /** SHA-256 of the public key, in hex: what a device is told by. */
  readonly fingerprint: string;
}

/** @throws {Error} when the text is no request, or its signature is not of its key */
export async function verifyRequest(pem: string): Promise<VerifiedRequest> {
  const request = new x509.Pkcs10CertificateRequest(pem);
  if (!(await request.verify())) throw new Error("the signature of the certificate request is not of its key");
  const { publicKey } = request;
  return { publicKey, fingerprint: createHash("sha256").update(Buffer.from(publicKey.rawData)).digest("hex") };
}

/** Has the authority sign a certificate for a key that somebody else keeps. */
export async function signLeaf(
  authority: KeyPair,
  { commonName, organizations = [], usage, sans = [] }: LeafRequest,
  publicKey: x509.PublicKey | webcrypto.CryptoKey,
  { nowMs, lifetimeMs = usualLeafMs }: LeafLife,
): Promise<string> {
  const issuer = new x509.X509Certificate(authority.cert);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: new x509.Name([...organizations.map((name) => ({ O: [name] })), { CN: [commonName] }]).toString(),
    issuer: issuer.subject,
    // From the authority's first day: whatever a device without a clock believes, a certificate is not from the future.
    notBefore: issuer.notBefore,
    notAfter: new Date(Math.min(sensible(nowMs) + lifetimeMs, issuer.notAfter.getTime())),
    serialNumber: serialNumber(),
    ...(await signingWith(authority.key)),
    publicKey,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension([
        usage === "server" ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ...(sans.length > 0
        ? [
            new x509.SubjectAlternativeNameExtension(
              sans.map((name) => ({ type: isIP(name) ? ("ip" as const) : ("dns" as const), value: name })),
            ),
          ]
        : []),
    ],
  });
  return pemOf(certificate);
}

/** The certificates in a text of several. */
export function certificatesIn(pem: string): string[] {
  return pem.split(/(?<=-----END CERTIFICATE-----\n)/).filter((text) => text.includes("BEGIN CERTIFICATE"));
}

/** What a stored certificate says of itself; undefined when the text is no certificate. */
export function describeCertificate(pem: string): { notAfterMs: number; sans: readonly string[] } | undefined {
  try {
    const certificate = new x509.X509Certificate(pem);
    const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
    return { notAfterMs: certificate.notAfter.getTime(), sans: names.map((name) => name.value) };
  } catch {
    return undefined; // not a certificate: the caller makes a new one
  }
}

/** A clock that was never set says 1970: nothing that skiff signs begins before skiff was written. */
function sensible(nowMs: number): number {
  return Math.max(nowMs, earliestMs);
}

/** 16 random bytes, positive (RFC 5280, section 4.1.2.2). */
export function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

export function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

function privatePem(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: "pkcs8", format: "pem" }).toString();
}

async function importPublicKey(key: string): Promise<webcrypto.CryptoKey> {
  const der = createPublicKey(key).export({ type: "spki", format: "der" });
  return webcrypto.subtle.importKey("spki", der, signingAlgorithm, true, ["verify"]);
}

async function importPrivateKey(pem: string): Promise<webcrypto.CryptoKey> {
  return (await signingWith(pem)).signingKey;
}

interface SigningWith {
  readonly signingKey: webcrypto.CryptoKey;
  readonly signingAlgorithm: { readonly name: string; readonly namedCurve?: string; readonly hash: string };
}

const curves: Readonly<Record<string, { readonly namedCurve: string; readonly hash: string }>> = {
  prime256v1: { namedCurve: "P-256", hash: "SHA-256" },
  secp384r1: { namedCurve: "P-384", hash: "SHA-384" },
  secp521r1: { namedCurve: "P-521", hash: "SHA-512" },
};

/** An authority's key (PEM) and how it signs: the cluster's own are of an elliptic curve, those that users bring may be RSA. */
export async function signingWith(pem: string): Promise<SigningWith> {
  const key = createPrivateKey(pem);
  const curve = curves[key.asymmetricKeyDetails?.namedCurve ?? ""];
  const signingAlgorithm = curve ? { name: "ECDSA", ...curve } : { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const der = key.export({ type: "pkcs8", format: "der" });
  return {
    signingAlgorithm,
    signingKey: await webcrypto.subtle.importKey("pkcs8", der, signingAlgorithm, false, ["sign"]),
  };
}
