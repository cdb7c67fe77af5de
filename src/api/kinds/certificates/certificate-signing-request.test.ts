import { describe, expect, test } from "vitest";
import { Path } from "../../field.ts";
import type { CertificateSigningRequest } from "../../schema/types.ts";
import { wrongWithNew } from "../testing/judge.ts";
import { certificateSigningRequest } from "./certificate-signing-request.ts";

const pem = (type: string, body = "AAAA") =>
  Buffer.from(`-----BEGIN ${type}-----\n${body}\n-----END ${type}-----\n`).toString("base64");
const request =
  "MIHYMH8CAQAwHTEMMAoGA1UECgwDZGV2MQ0wCwYDVQQDDARqYW5lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+npS2dtDfi9uMGL++vSK8H30u6qwDLbKMkuuuHkXnPfqC78kSu+GErX3IXmmLyshDjFC4Jt1TvL6qW9momdC3qAAMAoGCCqGSM49BAMCA0kAMEYCIQCytY6lhZMg1qnMMEL2lPDTuzkFau4sFHp50bexN4U1QQIhANCvG+3upBd/AsOoRMBvk+xbglDC3/ERzfDmsdmRJaxZ";
const spec = { request: pem("CERTIFICATE REQUEST", request), usages: ["client auth"] };

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

const [one, two] = [
  "MIIBcDCCARegAwIBAgIUDnnguEn5b2aeyc8XDgvH+GCAoIEwCgYIKoZIzj0EAwIwDjEMMAoGA1UEAwwDb25lMB4XDTI2MTEyMjA1MDIyOFoXDTM2MTExOTA1MDIyOFowDjEMMAoGA1UEAwwDb25lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEbpJRAgnwEk9M3TcWed+vWFK2UQTMP6IRhdWJLYQyZlOMwU087Rc4+T7CFEPry5gjzbb7g9itR6/AquasvR1zpKNTMFEwHQYDVR0OBBYEFAT82+BJqwlwRRsZF0ui1khdOVkLMB8GA1UdIwQYMBaAFAT82+BJqwlwRRsZF0ui1khdOVkLMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgSK4XRWQRL4ZK9sYswGlb6rfggb6UV6yaqgQdrwv1TpwCIGVwNhWu/Yh3aaiprJZs6r+0LgGj0+ULI/ELYs8ncwnb",
  "MIIBcTCCARegAwIBAgIUIZiTNnRbCO2e5mHUiGMx03uMnj8wCgYIKoZIzj0EAwIwDjEMMAoGA1UEAwwDdHdvMB4XDTI2MTEyMjA1MDIyOFoXDTM2MTExOTA1MDIyOFowDjEMMAoGA1UEAwwDdHdvMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEV7LpwuVGH2Ri7ttkqOnX3pr7wS/85a6faRj+XmuTF3iQXP4OiAnb0BfOCJS181Jbp7J6JGQYmwecrfMcyH4caNTMFEwHQYDVR0OBBYEFPff7Kg47xpYY0l6li2iJRiKtOlIMB8GA1UdIwQYMBaAFPff7Kg47xpYY0l6li2iJRiKtOlIMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgOlZOcSb/1R1ejDFZfwAoTtSSXxTTXMtkt+HopCl0q+ICIQDH6Y3UG8ELqa6ESoNemGfJ5J9bVN4pv873RwxVj7R/KA==",
].map((body) => pem("CERTIFICATE", body));

describe("the certificate that was issued", () => {
  const of = (certificate?: string) => ({ metadata: { name: "c" }, spec, status: { certificate } }) as never;
  const wrongWith = (certificate: string, before?: string): string[] =>
    certificateSigningRequest.strategy
      .validateSubresource?.("status", of(certificate), of(before) as CertificateSigningRequest, new Path())
      .map(({ field, message }) => `${field}: ${message}`) ?? [];

  test.each<[what: string, certificate: string, before: string | undefined, wrong: string[]]>([
    ["is one", one ?? "", undefined, []],
    [
      "can be read",
      pem("CERTIFICATE"),
      undefined,
      ['status.certificate: Invalid value: "<certificate data>": x509: malformed certificate'],
    ],
    ["is not looked at again", pem("CERTIFICATE"), pem("CERTIFICATE"), []],
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
    ["stays", two ?? "", one, ["status.certificate: Forbidden: updates may not modify existing certificate content"]],
  ])("%s", (_, certificate, before, wrong) => {
    expect(wrongWith(certificate, before)).toEqual(wrong);
  });
});
