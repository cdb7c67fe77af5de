import { describe, expect, test } from "vitest";
import { Path } from "../../field.ts";
import type { CertificateSigningRequest } from "../../schema/types.ts";
import { wrongWithNew } from "../testing/judge.ts";
import { certificateSigningRequest } from "./certificate-signing-request.ts";

const pem = (type: string, body = "AAAA") =>
  Buffer.from(`-----BEGIN ${type}-----\n${body}\n-----END ${type}-----\n`).toString("base64");
const spec = { request: pem("CERTIFICATE REQUEST"), usages: ["client auth"] };

describe("the signer of a request", () => {
  test.each<[signerName: string, wrong: string[]]>([
    ["example.com/signer", []],
    ["example.com/", ['spec.signerName: Invalid value: "": validating label "": a lowercase RFC 1123 subdomain']],
    [
      "Bad.example.com/signer",
      ['spec.signerName: Invalid value: "Bad.example.com": validating label "Bad": a lowercase RFC 1123 label'],
    ],
    [
      "example/signer",
      ['spec.signerName: Invalid value: "example": should be a domain with at least two segments separated by dots'],
    ],
  ])("%s", (signerName, wrong) => {
    const found = wrongWithNew(certificateSigningRequest, { spec: { ...spec, signerName } });
    expect(found.map((line, i) => line.slice(0, wrong[i]?.length))).toEqual(wrong);
  });
});

describe("the certificate that was issued", () => {
  const of = (certificate?: string) => ({ metadata: { name: "c" }, spec, status: { certificate } }) as never;
  const wrongWith = (certificate: string, before?: string): string[] =>
    certificateSigningRequest.strategy
      .validateSubresource?.("status", of(certificate), of(before) as CertificateSigningRequest, new Path())
      .map(({ field, message }) => `${field}: ${message}`) ?? [];

  test.each<[what: string, certificate: string, before: string | undefined, wrong: string[]]>([
    ["is one", pem("CERTIFICATE"), undefined, []],
    [
      "is nothing else",
      pem("PRIVATE KEY"),
      undefined,
      [
        'status.certificate: Invalid value: "<certificate data>": only CERTIFICATE PEM blocks are allowed, found "PRIVATE KEY"',
      ],
    ],
    [
      "has no headers",
      pem("CERTIFICATE", "A: b\n\nAAAA"),
      undefined,
      ['status.certificate: Invalid value: "<certificate data>": no PEM block headers are permitted'],
    ],
    [
      "stays",
      pem("CERTIFICATE", "BBBB"),
      pem("CERTIFICATE"),
      ["status.certificate: Forbidden: updates may not modify existing certificate content"],
    ],
  ])("%s", (_, certificate, before, wrong) => {
    expect(wrongWith(certificate, before)).toEqual(wrong);
  });
});
