import { describe, expect, test } from "vitest";
import type { RequestedCertificate } from "../../api/certificate-signer.ts";
import type { CertificateSigningRequest } from "../../api/schema/types.ts";
import { approvalsFor, deleteAtMs, faultOf, isToBeSigned, signers, signOptions, untilAskedAgainMs } from "./decide.ts";

const kubelet: RequestedCertificate = {
  commonName: "system:node:n1",
  organizations: ["system:nodes"],
  dnsNames: [],
  emailAddresses: [],
  ipAddresses: [],
  uris: [],
};
const clientUsages = ["digital signature", "client auth"];
const servingUsages = ["digital signature", "server auth"];
const created = Date.parse("2030-01-01T00:00:00Z");
const hour = 3_600_000;

type Seed = Partial<CertificateSigningRequest["spec"]> & { status?: CertificateSigningRequest["status"] };
const aRequest = ({ status, ...spec }: Seed = {}): CertificateSigningRequest => ({
  apiVersion: "certificates.k8s.io/v1",
  kind: "CertificateSigningRequest",
  metadata: { name: "csr", creationTimestamp: "2030-01-01T00:00:00Z" },
  spec: { request: "", signerName: signers.kubeletClient, usages: clientUsages, username: "bootstrap", ...spec },
  ...(status && { status }),
});
const decided = (type: string, more = {}) => ({
  status: { conditions: [{ type, status: "True", lastUpdateTime: "2030-01-01T02:00:00Z" }], ...more },
});

describe("what a signer finds wrong", () => {
  test.each<[what: string, seed: Seed, requested: Partial<RequestedCertificate>, fault: string | undefined]>([
    ["nothing with a kubelet's client certificate", {}, {}, undefined],
    [
      "other usages",
      { usages: ["server auth"] },
      {},
      "usages did not match [client auth digital signature key encipherment]",
    ],
    ["another organization", {}, { organizations: ["dev"] }, "subject organization is not system:nodes"],
    ["another name", {}, { commonName: "jane" }, "subject common name does not begin with system:node:"],
    ["names of a client", {}, { dnsNames: ["n1"] }, "DNS subjectAltNames are not allowed"],
    [
      "a server without names",
      { signerName: signers.kubeletServing, usages: servingUsages },
      {},
      "DNS or IP subjectAltName is required",
    ],
    [
      "nothing with a server's",
      { signerName: signers.kubeletServing, usages: servingUsages },
      { ipAddresses: ["10.0.0.1"] },
      undefined,
    ],
    [
      "a client that serves",
      { signerName: signers.client, usages: servingUsages },
      {},
      "invalid usage for client certificate: server auth",
    ],
    [
      "a client that does not authenticate",
      { signerName: signers.client, usages: ["digital signature"] },
      {},
      "missing required usage for client certificate: client auth",
    ],
    ["nothing with somebody else's request", { signerName: "example.com/own", usages: ["any"] }, {}, undefined],
  ])("%s", (_, seed, requested, fault) => {
    expect(faultOf(aRequest(seed), { ...kubelet, ...requested })).toBe(fault);
  });
});

describe("approval without a person", () => {
  test.each<[name: string, seed: Seed, by: string[]]>([
    ["a new node's first request", {}, ["nodeclient"]],
    ["a node's own renewal", { username: "system:node:n1" }, ["selfnodeclient", "nodeclient"]],
    ["not when it was refused", decided("Denied"), []],
    ["not for servers", { signerName: signers.kubeletServing, usages: servingUsages }, []],
  ])("%s", (_, seed, by) => {
    expect(approvalsFor(aRequest(seed), kubelet).map(({ subresource }) => subresource)).toEqual(by);
  });
});

test.each<[name: string, seed: Seed, signs: boolean]>([
  ["an approved request is signed", decided("Approved"), true],
  ["one that waits is not", {}, false],
  ["one that has its certificate is not", decided("Approved", { certificate: "pem" }), false],
  ["one of another signer is not", { signerName: "example.com/own", ...decided("Approved") }, false],
])("%s", (_, seed, signs) => expect(isToBeSigned(aRequest(seed))).toBe(signs));

test.each<[name: string, seconds: number | undefined, lifetimeMs: number]>([
  ["a year unless less is asked for", undefined, 365 * 24 * hour],
  ["as long as asked", 3600, hour],
  ["never longer than a year", 10 ** 9, 365 * 24 * hour],
  ["never shorter than ten minutes", 1, hour / 6],
])("a certificate lives %s", (_, expirationSeconds, lifetimeMs) => {
  const request = aRequest({ ...(expirationSeconds && { expirationSeconds }) });
  expect(signOptions(request, { nowMs: 0, mostMs: 365 * 24 * 3_600_000 })).toMatchObject({
    signer: "kubeletClient",
    lifetimeMs,
  });
});

test.each<[name: string, seed: Seed, endsAtMs: number | undefined, atMs: number]>([
  ["a day after its creation when nobody decided", {}, undefined, created + 24 * hour],
  [
    "an hour after its certificate was approved",
    decided("Approved", { certificate: "pem" }),
    undefined,
    created + 3 * hour,
  ],
  ["an hour after it was refused", decided("Denied"), undefined, created + 3 * hour],
  ["when its certificate ends", decided("Approved", { certificate: "pem" }), created + hour, created + hour],
  ["never while it is approved and waits for its signer", decided("Approved"), undefined, Number.POSITIVE_INFINITY],
])("a request is deleted %s", (_, seed, endsAtMs, atMs) => expect(deleteAtMs(aRequest(seed), endsAtMs)).toBe(atMs));

test.each([
  ["at once when it is new", 0, 1000],
  ["when it is as old again", 60_000, 60_000],
  ["in a quarter of an hour at the latest", 100 * hour, 1_000_000],
  ["soon when the clock was set back", -hour, 1000],
])("a request without the right to approval is looked at again %s", (_, ageMs, waitMs) => {
  expect(untilAskedAgainMs(aRequest(), created + ageMs)).toBe(waitMs);
});
