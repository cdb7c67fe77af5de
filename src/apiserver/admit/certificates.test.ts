import { describe, expect, test } from "vitest";
import type { AnyObject } from "../../api/object.ts";
import { organizationsIn } from "../../api/signing-request.ts";
import type { Authorizer } from "../authorize/attributes.ts";
import { certificateApproval } from "./certificate-approval.ts";
import { certificateSigning } from "./certificate-signing.ts";
import { certificateSubjectRestriction } from "./certificate-subject-restriction.ts";
import { anObject, refusalBy, reviewOf } from "./testing/reviews.ts";

// Of organizations "dev" and "system:masters"; of "dev" alone.
const superuser =
  "-----BEGIN CERTIFICATE REQUEST-----\nMIHxMIGYAgEAMDYxDDAKBgNVBAoMA2RldjEXMBUGA1UECgwOc3lzdGVtOm1hc3Rl\ncnMxDTALBgNVBAMMBGphbmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARpg2au\nrYIPwsYHjeQXgdJiHzjeF1OfjQIEcgWRjM8ZUphiNrTHtm8Wn3YKmDgTis2SUtE9\nEyjMUjJxTo+pNNFYoAAwCgYIKoZIzj0EAwIDSAAwRQIgVoie9fMc60INH0baI3VC\n1L6582CZBKlXO3fbu1h3tb0CIQC3CD1Ax+yKGg4fyRxutZ/NuUoy6dLl2S4xTK6F\nN1rc6w==\n-----END CERTIFICATE REQUEST-----\n";
const developer =
  "-----BEGIN CERTIFICATE REQUEST-----\nMIHYMH8CAQAwHTEMMAoGA1UECgwDZGV2MQ0wCwYDVQQDDARqYW5lMFkwEwYHKoZI\nzj0CAQYIKoZIzj0DAQcDQgAE+npS2dtDfi9uMGL++vSK8H30u6qwDLbKMkuuuHkX\nnPfqC78kSu+GErX3IXmmLyshDjFC4Jt1TvL6qW9momdC3qAAMAoGCCqGSM49BAMC\nA0kAMEYCIQCytY6lhZMg1qnMMEL2lPDTuzkFau4sFHp50bexN4U1QQIhANCvG+3u\npBd/AsOoRMBvk+xbglDC3/ERzfDmsdmRJaxZ\n-----END CERTIFICATE REQUEST-----\n";

function aRequest(more: object = {}, pem = developer): AnyObject {
  const request = Buffer.from(pem).toString("base64");
  return anObject("certificates.k8s.io/v1", "CertificateSigningRequest", {
    spec: { signerName: "example.com/signer", request, ...more },
    status: {},
  });
}

/** Allows one verb on signers of one name. */
function allowing(verb: string, name: string): Authorizer {
  return {
    decide: (asked) => ({
      allowed: asked.verb === verb && asked.resource === "signers" && asked.name === name,
      reason: "",
    }),
  };
}

const prefix = 'certificatesigningrequests.certificates.k8s.io "a" is forbidden: ';

describe.each([
  ["approve", "approval", certificateApproval],
  ["sign", "status", certificateSigning],
] as const)("to %s", (verb, subresource, step) => {
  const old = aRequest();
  const next = { ...aRequest(), status: { certificate: "eA==" } };

  test.each(["example.com/signer", "example.com/*"])("needs the right on %s", async (name) => {
    const review = reviewOf(next, { old, subresource });
    expect(await refusalBy(step({ authorizer: allowing(verb, name) }), review)).toBeUndefined();
  });

  test("is refused without it", async () => {
    const review = reviewOf(next, { old, subresource });
    expect(await refusalBy(step({ authorizer: allowing(verb, "example.com/other") }), review)).toBe(
      `${prefix}user not permitted to ${verb} requests with signerName "example.com/signer"`,
    );
  });
});

test("a status that says nothing new of the certificate needs no right to sign", async () => {
  const review = reviewOf(aRequest(), { old: aRequest(), subresource: "status" });
  expect(await refusalBy(certificateSigning({ authorizer: allowing("", "") }), review)).toBeUndefined();
});

test("client certificates of the superusers' group are not asked for", async () => {
  const signerName = "kubernetes.io/kube-apiserver-client";
  const step = certificateSubjectRestriction();
  expect(await refusalBy(step, reviewOf(aRequest({ signerName }, superuser)))).toBe(
    `${prefix}use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed`,
  );
  expect(await refusalBy(step, reviewOf(aRequest({ signerName }, developer)))).toBeUndefined();
  expect(await refusalBy(step, reviewOf(aRequest({}, superuser)))).toBeUndefined();
});

test("a request that is cut off anywhere is none", () => {
  const body = superuser.split("\n").slice(1, -2).join("");
  const bytes = Buffer.from(body, "base64");
  for (let length = 0; length <= bytes.length; length++) {
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.subarray(0, length).toString("base64")}\n-----END CERTIFICATE REQUEST-----`;
    expect(organizationsIn(pem)).toEqual(length === bytes.length ? ["dev", "system:masters"] : undefined);
  }
});
