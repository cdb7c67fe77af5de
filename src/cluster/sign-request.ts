import * as x509 from "@peculiar/x509";
import type { CertificateSigner, RequestedCertificate, SignerName, SignOptions } from "../api/certificate-signer.ts";
import { describeCertificate, type KeyPair, pemOf, serialNumber, signingWith } from "./authority.ts";

/** Undefined when the text is no request, or was not signed with its own key. */
export async function readCertificateRequest(pem: string): Promise<RequestedCertificate | undefined> {
  const request = parsed(pem);
  if (!request || !(await request.verify())) return undefined;
  const names = (type: string): string[] =>
    (alternativeNames(request)?.names.items ?? []).filter((name) => name.type === type).map(({ value }) => value);
  return {
    commonName: request.subjectName.getField("CN")[0] ?? "",
    organizations: request.subjectName.getField("O"),
    dnsNames: names("dns"),
    emailAddresses: names("email"),
    ipAddresses: names("ip"),
    uris: names("url"),
  };
}

const keyUsages: Readonly<Record<string, x509.KeyUsageFlags>> = {
  signing: x509.KeyUsageFlags.digitalSignature,
  "digital signature": x509.KeyUsageFlags.digitalSignature,
  "content commitment": x509.KeyUsageFlags.nonRepudiation,
  "key encipherment": x509.KeyUsageFlags.keyEncipherment,
  "key agreement": x509.KeyUsageFlags.keyAgreement,
  "data encipherment": x509.KeyUsageFlags.dataEncipherment,
  "cert sign": x509.KeyUsageFlags.keyCertSign,
  "crl sign": x509.KeyUsageFlags.cRLSign,
  "encipher only": x509.KeyUsageFlags.encipherOnly,
  "decipher only": x509.KeyUsageFlags.decipherOnly,
};
const extendedKeyUsages: Readonly<Record<string, string>> = {
  any: "2.5.29.37.0",
  "server auth": x509.ExtendedKeyUsage.serverAuth,
  "client auth": x509.ExtendedKeyUsage.clientAuth,
  "code signing": x509.ExtendedKeyUsage.codeSigning,
  "email protection": x509.ExtendedKeyUsage.emailProtection,
  "s/mime": x509.ExtendedKeyUsage.emailProtection,
  "ipsec end system": "1.3.6.1.5.5.7.3.5",
  "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
  "ipsec user": "1.3.6.1.5.5.7.3.7",
  timestamping: x509.ExtendedKeyUsage.timeStamping,
  "ocsp signing": x509.ExtendedKeyUsage.ocspSigning,
  "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
  "netscape sgc": "2.16.840.1.113730.4.1",
};

const backdateMs = 5 * 60 * 1000;
/** Certificates that live no longer than this begin now: a part of so short a life is not given to clocks that are behind. */
const shortLivedMs = 8 * 60 * 60 * 1000;

/** Has the authority sign a certificate for the request's subject, names and key. It never outlives the authority. */
export async function signCertificateRequest(
  authority: KeyPair,
  pem: string,
  { usages, lifetimeMs, nowMs }: Omit<SignOptions, "signer">,
): Promise<string> {
  const request = parsed(pem);
  if (!request) throw new Error("the certificate signing request cannot be read");
  const issuer = new x509.X509Certificate(authority.cert);
  const notBefore = nowMs - (lifetimeMs > shortLivedMs ? backdateMs : 0);
  const notAfter = Math.min(notBefore + lifetimeMs, issuer.notAfter.getTime());
  const flags = usages.reduce((sum, usage) => sum | (keyUsages[usage] ?? 0), 0);
  const extended = usages.flatMap((usage) => extendedKeyUsages[usage] ?? []);
  const names = alternativeNames(request);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: request.subject,
    issuer: issuer.subject,
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    serialNumber: serialNumber(),
    ...(await signingWith(authority.key)),
    publicKey: await request.publicKey.export(),
    extensions: [
      ...(flags ? [new x509.KeyUsagesExtension(flags, true)] : []),
      ...(extended.length > 0 ? [new x509.ExtendedKeyUsageExtension([...new Set(extended)])] : []),
      new x509.BasicConstraintsExtension(false, undefined, true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ...(names ? [names] : []),
    ],
  });
  return pemOf(certificate);
}

function alternativeNames(request: x509.Pkcs10CertificateRequest): x509.SubjectAlternativeNameExtension | undefined {
  return request.extensions.find((extension) => extension instanceof x509.SubjectAlternativeNameExtension);
}

function parsed(pem: string): x509.Pkcs10CertificateRequest | undefined {
  try {
    return new x509.Pkcs10CertificateRequest(pem);
  } catch {
    return undefined; // whatever it is, it is no request: the caller says so
  }
}

/** Signs with the authority that `authorityOf` gives each signer. */
export function certificateSigner(authorityOf: (signer: SignerName) => KeyPair): CertificateSigner {
  return {
    read: readCertificateRequest,
    sign: (request, { signer, ...options }) => signCertificateRequest(authorityOf(signer), request, options),
    expiresAtMs: (certificate) => describeCertificate(certificate)?.notAfterMs,
  };
}
