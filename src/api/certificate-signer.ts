/** What a certificate signing request (PKCS #10, PEM) asks for. */
export interface RequestedCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
}

/** The signers that belong to the cluster itself, by the words of certificates/decide.ts. */
export type SignerName = "client" | "kubeletClient" | "kubeletServing" | "legacy";

/** The cluster's certificate authorities, as the controllers of signing requests need them. */
export interface CertificateSigner {
  /** Undefined when the text is no request. */
  read(request: string): Promise<RequestedCertificate | undefined>;
  /** The certificate (PEM), by the authority of this signer. */
  sign(request: string, options: SignOptions): Promise<string>;
  /** Until when a certificate (PEM) holds; undefined when it is none. */
  expiresAtMs(certificate: string): number | undefined;
}

export interface SignOptions {
  readonly signer: SignerName;
  /** What the certificate may be used for, in the API's words ("client auth"). */
  readonly usages: readonly string[];
  readonly lifetimeMs: number;
  readonly nowMs: number;
}
