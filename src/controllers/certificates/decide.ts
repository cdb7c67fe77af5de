import type { RequestedCertificate, SignerName, SignOptions } from "../../api/certificate-signer.ts";
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from "../../api/schema/types.ts";

export const signers: Readonly<Record<SignerName, string>> = {
  client: "kubernetes.io/kube-apiserver-client",
  kubeletClient: "kubernetes.io/kube-apiserver-client-kubelet",
  kubeletServing: "kubernetes.io/kubelet-serving",
  legacy: "kubernetes.io/legacy-unknown",
};

const kubeletClientUsages = ["client auth", "digital signature", "key encipherment"];
const kubeletServingUsages = ["digital signature", "key encipherment", "server auth"];
const organizationMessage = "subject organization is not system:nodes";
const commonNameMessage = "subject common name does not begin with system:node:";

/** What is wrong with a request in the eyes of its signer; undefined when nothing is, or when the signer is not ours. */
export function faultOf(
  { spec: { signerName, usages = [] } }: CertificateSigningRequest,
  requested: RequestedCertificate | undefined,
): string | undefined {
  if (!isOurs(signerName)) return undefined;
  if (!requested) return "unable to parse csr";
  if (signerName === signers.kubeletClient) return kubeletClientFault(requested, usages);
  if (signerName === signers.kubeletServing) return kubeletServingFault(requested, usages);
  return signerName === signers.client ? clientFault(usages) : undefined;
}

export function isOurs(signerName: string): boolean {
  return signerOf(signerName) !== undefined;
}

function kubeletClientFault(requested: RequestedCertificate, usages: readonly string[]): string | undefined {
  const { organizations, commonName, dnsNames, emailAddresses, ipAddresses, uris } = requested;
  if (organizations.join() !== "system:nodes") return organizationMessage;
  if (dnsNames.length > 0) return "DNS subjectAltNames are not allowed";
  if (emailAddresses.length > 0) return "Email subjectAltNames are not allowed";
  if (ipAddresses.length > 0) return "IP subjectAltNames are not allowed";
  if (uris.length > 0) return "URI subjectAltNames are not allowed";
  if (!commonName.startsWith("system:node:")) return commonNameMessage;
  return usagesFault(usages, kubeletClientUsages);
}

function kubeletServingFault(requested: RequestedCertificate, usages: readonly string[]): string | undefined {
  const { organizations, commonName, dnsNames, emailAddresses, ipAddresses, uris } = requested;
  if (organizations.join() !== "system:nodes") return organizationMessage;
  if (dnsNames.length + ipAddresses.length === 0) return "DNS or IP subjectAltName is required";
  if (emailAddresses.length > 0) return "Email subjectAltNames are not allowed";
  if (uris.length > 0) return "URI subjectAltNames are not allowed";
  const fault = usagesFault(usages, kubeletServingUsages);
  return fault ?? (commonName.startsWith("system:node:") ? undefined : commonNameMessage);
}

/** The usages must be these, where keys other than RSA do without encipherment. */
function usagesFault(usages: readonly string[], wanted: readonly string[]): string | undefined {
  const given = [...usages].sort().join();
  const allowed = [wanted, wanted.filter((usage) => usage !== "key encipherment")];
  return allowed.some((set) => set.join() === given) ? undefined : `usages did not match [${wanted.join(" ")}]`;
}

function clientFault(usages: readonly string[]): string | undefined {
  const wrong = usages.find((usage) => !kubeletClientUsages.includes(usage));
  if (wrong) return `invalid usage for client certificate: ${wrong}`;
  return usages.includes("client auth") ? undefined : "missing required usage for client certificate: client auth";
}

/** A right that a kubelet must have for its request to be approved, and what the approval says. */
export interface Approval {
  readonly subresource: "selfnodeclient" | "nodeclient";
  readonly message: string;
}

/** By which rights the request could be approved without a person looking at it, in the order to try. */
export function approvalsFor(
  request: CertificateSigningRequest,
  requested: RequestedCertificate | undefined,
): readonly Approval[] {
  const { spec, status } = request;
  if (spec.signerName !== signers.kubeletClient || status?.certificate || isDecided(request)) return [];
  if (!requested || faultOf(request, requested)) return [];
  const self: Approval = {
    subresource: "selfnodeclient",
    message: "Auto approving self kubelet client certificate after SubjectAccessReview.",
  };
  const first: Approval = {
    subresource: "nodeclient",
    message: "Auto approving kubelet client certificate after SubjectAccessReview.",
  };
  return spec.username === requested.commonName ? [self, first] : [first];
}

/**
 * How long until the rights of who asks are looked at again, which may come later than the request: a request is as old again
 * by then, so that one that nobody means to approve is asked for ever more seldom.
 */
export function untilAskedAgainMs({ metadata }: CertificateSigningRequest, nowMs: number): number {
  const ageMs = nowMs - Date.parse(metadata.creationTimestamp ?? "");
  return Math.min(Math.max(ageMs || 0, askAgain.firstMs), askAgain.maxMs);
}

const askAgain = { firstMs: 1000, maxMs: 1_000_000 };

const has = ({ status }: CertificateSigningRequest, type: string): CertificateSigningRequestCondition | undefined =>
  status?.conditions?.find((condition) => condition.type === type && condition.status === "True");

const isDecided = (request: CertificateSigningRequest): boolean =>
  Boolean(has(request, "Approved") ?? has(request, "Denied"));

/** Whether it is up to us to issue the certificate now. */
export function isToBeSigned(request: CertificateSigningRequest): boolean {
  return (
    isOurs(request.spec.signerName) &&
    !request.status?.certificate &&
    has(request, "Approved") !== undefined &&
    !has(request, "Denied") &&
    !has(request, "Failed")
  );
}

const leastMs = 10 * 60 * 1000;

/** By which signer, for what and for how long: at most `mostMs`, whatever was asked for. */
export function signOptions(
  { spec }: CertificateSigningRequest,
  { nowMs, mostMs }: { nowMs: number; mostMs: number },
): SignOptions {
  const asked = spec.expirationSeconds === undefined ? mostMs : spec.expirationSeconds * 1000;
  return {
    signer: signerOf(spec.signerName) ?? "legacy",
    usages: spec.usages ?? [],
    lifetimeMs: asked >= mostMs ? mostMs : Math.max(leastMs, asked),
    nowMs,
  };
}

function signerOf(signerName: string): SignerName | undefined {
  return (Object.keys(signers) as SignerName[]).find((name) => signers[name] === signerName);
}

const hourMs = 60 * 60 * 1000;

/**
 * When a request is old enough to be deleted, in milliseconds since 1970: an hour after it was decided or issued, a day after
 * it was made when nobody decided, and no later than its certificate ends (Kubernetes docs, "Certificates API").
 */
export function deleteAtMs(request: CertificateSigningRequest, certificateEndsAtMs: number | undefined): number {
  const { metadata, status } = request;
  const at: number[] = [];
  const since = (type: string): number | undefined => {
    const condition = has(request, type);
    return condition && Date.parse(condition.lastUpdateTime ?? "");
  };
  const [approved, denied, failed] = [since("Approved"), since("Denied"), since("Failed")];
  if (approved !== undefined && status?.certificate) at.push(approved + hourMs);
  if (denied !== undefined) at.push(denied + hourMs);
  if (failed !== undefined) at.push(failed + hourMs);
  if (!status?.conditions?.length) at.push(Date.parse(metadata.creationTimestamp ?? "") + 24 * hourMs);
  if (certificateEndsAtMs !== undefined) at.push(certificateEndsAtMs);
  return Math.min(...at.filter((ms) => !Number.isNaN(ms)), Number.POSITIVE_INFINITY);
}
