import { expect, test } from "vitest";
import { requestFault } from "./signing-request.ts";

// Signed by its own key on the curve P-256.
const body =
  "MIHYMH8CAQAwHTEMMAoGA1UECgwDZGV2MQ0wCwYDVQQDDARqYW5lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+npS2dtDfi9uMGL++vSK8H30u6qwDLbKMkuuuHkXnPfqC78kSu+GErX3IXmmLyshDjFC4Jt1TvL6qW9momdC3qAAMAoGCCqGSM49BAMCA0kAMEYCIQCytY6lhZMg1qnMMEL2lPDTuzkFau4sFHp50bexN4U1QQIhANCvG+3upBd/AsOoRMBvk+xbglDC3/ERzfDmsdmRJaxZ";
const pem = (text = body, type = "CERTIFICATE REQUEST") => `-----BEGIN ${type}-----\n${text}\n-----END ${type}-----\n`;
const changed = (change: (bytes: Buffer) => Buffer | undefined): string => {
  const bytes = Buffer.from(body, "base64");
  return pem((change(bytes) ?? bytes).toString("base64"));
};

test.each<[what: string, text: string, fault: string | undefined]>([
  ["nothing, with text around it", `hello\n${pem()}bye`, undefined],
  ["nothing, whatever follows", pem() + pem("", "CERTIFICATE"), undefined],
  ["nothing with headers", pem(`A: b\n\n${body}`), undefined],
  ["another block before it", pem("", "X") + pem(), "PEM block type must be CERTIFICATE REQUEST"],
  ["no block", "x", "PEM block type must be CERTIFICATE REQUEST"],
  ["no bytes", pem(""), "asn1: syntax error: sequence truncated"],
  [
    "another value",
    pem("AAAA"),
    "asn1: structure error: tags don't match (16 vs {class:0 tag:0 length:0 isCompound:false}) {optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false} certificateRequest @2",
  ],
  ["a part of it", changed((bytes) => bytes.subarray(0, 100)), "asn1: syntax error: data truncated"],
  [
    "something behind it",
    changed((bytes) => Buffer.concat([bytes, Buffer.from([5, 0])])),
    "asn1: syntax error: trailing data",
  ],
  [
    "another subject than was signed",
    changed((bytes) => void bytes.write("jack", bytes.indexOf("jane"))),
    "x509: ECDSA verification failure",
  ],
])("what is wrong with a request: %s", (_, text, fault) => {
  expect(requestFault(text)).toBe(fault);
});
