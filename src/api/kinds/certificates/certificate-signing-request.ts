import { ageColumn, nameColumn } from "../../columns.ts";
import { humanDuration } from "../../duration.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import { isCertificate, pemBlocks } from "../../pem.ts";
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
  CertificateSigningRequestSpec,
} from "../../schema/types.ts";
import { requestFault } from "../../signing-request.ts";
import { timeText } from "../../time.ts";
import { dnsLabel, dnsSubdomain, pathSegment, type TextRule } from "../../validate/names.ts";

const leastSeconds = 600;
const longestDomain = 253;
/** A domain, a slash, and a path that has room for a namespace, a dot and a name. */
const longestSignerName = longestDomain + 1 + 253 + 63 + 1;
const usages = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];

export const certificateSigningRequest = defineKind<CertificateSigningRequest>({
  group: "certificates.k8s.io",
  version: "v1",
  kind: "CertificateSigningRequest",
  plural: "certificatesigningrequests",
  shortNames: ["csr"],
  scope: "Cluster",
  subresources: {
    approval: { sort: "part", owns: ["status.conditions"], verbs: ["get", "patch", "update"] },
    status: {
      sort: "part",
      owns: ["status"],
      unclaimed: ["status.conditions"],
      verbs: ["get", "patch", "update"],
    },
  },
  selectable: ["spec.signerName"],
  validateName: pathSegment,
  unclaimed: ["spec"],
  columns: [
    nameColumn,
    ageColumn,
    { name: "SignerName", type: "string", cell: ({ spec }) => spec.signerName || "<none>" },
    { name: "Requestor", type: "string", cell: ({ spec }) => spec.username ?? "" },
    {
      name: "RequestedDuration",
      type: "string",
      cell: ({ spec: { expirationSeconds: seconds } }) =>
        seconds === undefined ? "<none>" : humanDuration(seconds * 1000),
    },
    { name: "Condition", type: "string", cell: stateText },
  ],

  // Who asks is what the server saw, not what the client says.
  prepareCreate({ spec }, { user }) {
    spec.username = user.name;
    if (user.uid) spec.uid = user.uid;
    else delete spec.uid;
    spec.groups = [...user.groups];
    if (Object.keys(user.extra).length > 0)
      spec.extra = Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]]));
    else delete spec.extra;
  },

  prepareUpdate(request, old) {
    request.spec = structuredClone(old.spec);
  },

  prepareSubresource(subresource, request, old, { now }) {
    request.spec = structuredClone(old.spec);
    const isDecision = ({ type }: CertificateSigningRequestCondition) => type === "Approved" || type === "Denied";
    const conditions = request.status?.conditions ?? [];
    const before = old.status?.conditions ?? [];
    // A signer reports; only an approver decides.
    const merged =
      subresource === "approval"
        ? conditions
        : [...before.filter(isDecision), ...conditions.filter((condition) => !isDecision(condition))];
    if (merged.length > 0) request.status = { ...request.status, conditions: stamped(merged, before, timeText(now)) };
  },

  validate({ spec, status }, root) {
    const at = root.child("spec");
    return [
      ...validateRequest(spec.request, at.child("request")),
      ...validateUsages(spec.usages ?? [], at.child("usages")),
      ...validateSignerName(spec, at.child("signerName")),
      ...(spec.expirationSeconds !== undefined && spec.expirationSeconds < leastSeconds
        ? [
            at
              .child("expirationSeconds")
              .invalid(
                spec.expirationSeconds,
                `may not specify a duration less than ${leastSeconds} seconds (10 minutes)`,
              ),
          ]
        : []),
      ...validateConditions(status?.conditions ?? [], root.child("status", "conditions")),
    ];
  },

  validateSubresource(subresource, { status }, old, root) {
    const at = root.child("status", "conditions");
    const issued = root.child("status", "certificate");
    const conditions = status?.conditions ?? [];
    const before = old.status?.conditions ?? [];
    const kept = subresource === "approval" ? ["Approved", "Denied", "Failed"] : ["Failed"];
    const count = (all: readonly CertificateSigningRequestCondition[], type: string): number =>
      all.filter((condition) => condition.type === type).length;
    const lost = kept.filter((type) => count(conditions, type) < count(before, type));
    return [
      ...validateConditions(conditions, at),
      // What was written before stays as it is, be it good or bad.
      ...(status?.certificate === old.status?.certificate ? [] : validateCertificate(status?.certificate, issued)),
      ...lost.map((type) => at.forbidden(`updates may not remove a condition of type "${type}"`)),
      ...(old.status?.certificate && status?.certificate !== old.status.certificate
        ? [issued.forbidden("updates may not modify existing certificate content")]
        : []),
    ];
  },
});

/** "Approved,Issued" */
function stateText({ status }: CertificateSigningRequest): string {
  const has = (type: string) => status?.conditions?.some((condition) => condition.type === type);
  const decision = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  return [decision, has("Failed") && "Failed", status?.certificate && "Issued"].filter(Boolean).join(",");
}

/** Conditions know when they came and when they changed. */
function stamped(
  conditions: readonly CertificateSigningRequestCondition[],
  before: readonly CertificateSigningRequestCondition[],
  now: string,
): CertificateSigningRequestCondition[] {
  return conditions.map((condition) => {
    const same = before.find(({ type, status }) => type === condition.type && status === condition.status);
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? now,
      lastTransitionTime: condition.lastTransitionTime ?? same?.lastTransitionTime ?? now,
    };
  });
}

function validateRequest(request: string | undefined, at: Path): FieldError[] {
  const fault = requestFault(Buffer.from(request ?? "", "base64").toString("latin1"));
  return fault === undefined ? [] : [at.invalid(request || null, fault)];
}

function validateUsages(given: readonly string[], at: Path): FieldError[] {
  if (given.length === 0) return [at.required()];
  return given.flatMap((usage, i) => [
    ...(usages.includes(usage) ? [] : [at.index(i).notSupported(usage, usages)]),
    ...(given.indexOf(usage) < i ? [at.index(i).duplicate(usage)] : []),
  ]);
}

function validateSignerName({ signerName = "" }: CertificateSigningRequestSpec, at: Path): FieldError[] {
  if (signerName === "") return [at.required()];
  if (signerName === "kubernetes.io/legacy-unknown")
    return [at.invalid(signerName, "the legacy signerName is not allowed via this API version")];
  const [domain = "", path, ...more] = signerName.split("/");
  if (path === undefined || more.length > 0)
    return [at.invalid(signerName, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  return [
    ...(domain.length > longestDomain ? [at.tooLong(longestDomain)] : []),
    ...validateSegment(domain, dnsLabel, at),
    ...(domain.includes(".")
      ? []
      : [at.invalid(domain, "should be a domain with at least two segments separated by dots")]),
    ...validateSegment(path, dnsSubdomain, at),
    ...(signerName.length > longestSignerName ? [at.tooLong(longestSignerName)] : []),
  ];
}

/** What is wrong with the first label that is wrong. */
function validateSegment(segment: string, rule: TextRule, at: Path): FieldError[] {
  const label = segment.split(".").find((part) => rule(part).length > 0);
  if (label === undefined) return [];
  return rule(label).map((wrong) => at.invalid(segment, `validating label ${JSON.stringify(label)}: ${wrong}`));
}

function validateConditions(conditions: readonly CertificateSigningRequestCondition[], at: Path): FieldError[] {
  const errors: FieldError[] = [];
  conditions.forEach(({ type = "", status = "" }, i) => {
    const place = at.index(i);
    const decides = type === "Approved" || type === "Denied" || type === "Failed";
    if (type === "") errors.push(place.child("type").required());
    if (status === "") errors.push(place.child("status").required());
    else if (decides && status !== "True") errors.push(place.child("status").notSupported(status, ["True"]));
    else if (!["True", "False", "Unknown"].includes(status))
      errors.push(place.child("status").notSupported(status, ["False", "True", "Unknown"]));
    const rival = type === "Approved" ? "Denied" : type === "Denied" ? "Approved" : undefined;
    if (conditions.slice(0, i).some((other) => other.type === rival))
      errors.push(at.invalid(type, "Approved and Denied conditions are mutually exclusive"));
    if (conditions.findIndex((other) => other.type === type) < i) errors.push(place.child("type").duplicate(type));
  });
  return errors;
}

function validateCertificate(certificate: string | undefined, at: Path): FieldError[] {
  const fault = certificate ? certificateFault(certificate) : undefined;
  return fault === undefined ? [] : [at.invalid("<certificate data>", fault)];
}

/** What is wrong with certificates (PEM in base64). */
function certificateFault(certificate: string): string | undefined {
  const blocks = [...pemBlocks(Buffer.from(certificate, "base64").toString("latin1"))];
  if (blocks.length === 0) return "must contain at least one CERTIFICATE PEM block";
  for (const { type, hasHeaders, bytes } of blocks) {
    if (type !== "CERTIFICATE") return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    if (hasHeaders) return "no PEM block headers are permitted";
    if (bytes.length === 0) return "found CERTIFICATE PEM block containing 0 certificates";
    if (!isCertificate(bytes)) return "x509: malformed certificate";
  }
  return undefined;
}
