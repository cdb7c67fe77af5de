import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { secret } from "../../src/api/kinds/core/secret.ts";
import { sent } from "../../src/api/kinds/testing/judge.ts";
import { makeAuthority } from "../../src/cluster/authority.ts";

describe("a certificate and its key in a Secret", async () => {
  const { cert, key } = await makeAuthority("one", Date.UTC(2026, 0, 1));
  const other = await makeAuthority("two", Date.UTC(2026, 0, 1));
  const { privateKey } = generateKeyPairSync("ed25519");
  const edKey = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const pem = (type: string) => `-----BEGIN ${type}-----\nAAAA\n-----END ${type}-----\n`;

  test.each<[what: string, certificate: string, key: string, says: string | undefined]>([
    ["that belong together", cert, key, undefined],
    ["with something before them", pem("X") + cert, pem("EC PARAMETERS") + key, undefined],
    ["that are empty", "", "", "tls: failed to find any PEM data in certificate input"],
    [
      "in each other's place",
      key,
      cert,
      "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
    ],
    [
      "that are something else",
      pem("X") + pem("Y"),
      key,
      'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [X Y]',
    ],
    ["without a key", cert, "x", "tls: failed to find any PEM data in key input"],
    ["with two certificates", cert, cert, "tls: found a certificate rather than a key in the PEM for the private key"],
    ["that cannot be read", pem("CERTIFICATE"), key, "x509: malformed certificate"],
    ["whose key cannot be read", cert, pem("PRIVATE KEY"), "tls: failed to parse private key"],
    ["of two pairs", cert, other.key, "tls: private key does not match public key"],
    ["of two sorts", cert, edKey, "tls: private key type does not match public key type"],
  ])("%s", (_, certificate, privatePem, says) => {
    const text = (value: string): string => Buffer.from(value).toString("base64");
    const data = { "tls.crt": text(certificate), "tls.key": text(privatePem) };
    expect(secret.strategy.warnings?.(sent(secret, { type: "kubernetes.io/tls", data }) as never, undefined)).toEqual(
      says === undefined ? [] : [says],
    );
  });
});
