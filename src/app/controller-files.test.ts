import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KeyPair, makeAuthority, makeKey, makeRequest } from "../cluster/authority.ts";
import { certificateSigner } from "../cluster/sign-request.ts";
import { readControllerFiles } from "./controller-files.ts";

let directory: string;
let authority: KeyPair;
const file = (name: string): string => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "skiff-files-"));
  authority = await makeAuthority("own-ca", Date.now());
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  await writeFile(file("ca.crt"), authority.cert);
  await writeFile(file("ca.key"), authority.key);
  await writeFile(file("rsa.key"), rsa.export({ type: "pkcs1", format: "pem" }));
  await writeFile(file("nothing.pem"), "nothing");
});
afterAll(() => rm(directory, { recursive: true }));

describe("files that the controllers are told of", () => {
  test("leave the cluster's own where none is named", async () => {
    expect(await readControllerFiles({})).toEqual({ signing: {} });
  });

  test("one authority signs for every signer", async () => {
    const names = { "cluster-signing-cert-file": file("ca.crt"), "cluster-signing-key-file": file("ca.key") };
    const { signing } = await readControllerFiles(names);
    expect(Object.keys(signing).sort()).toEqual(["client", "kubeletClient", "kubeletServing", "legacy"]);
  });

  test("keys may be RSA", async () => {
    const names = {
      "root-ca-file": file("ca.crt"),
      "service-account-private-key-file": file("rsa.key"),
      "cluster-signing-kubelet-client-cert-file": file("ca.crt"),
      "cluster-signing-kubelet-client-key-file": file("rsa.key"),
    };
    const { rootCa, accountKey, signing } = await readControllerFiles(names);
    expect([rootCa, accountKey?.includes("RSA PRIVATE KEY")]).toEqual([authority.cert, true]);
    const signer = certificateSigner(() => signing.kubeletClient ?? authority);
    const request = await makeRequest(await makeKey(), "system:node:n1");
    const pem = await signer.sign(request, {
      signer: "kubeletClient",
      usages: [],
      lifetimeMs: 3_600_000,
      nowMs: Date.now(),
    });
    expect(new X509Certificate(pem).issuer).toBe("CN=own-ca");
  });

  test.each<[what: string, names: Record<string, string>, says: RegExp]>([
    ["a file that is missing", { "root-ca-file": "/no/such" }, /root-ca-file=\/no\/such: the file cannot be read/],
    ["what is no certificate", { "root-ca-file": "nothing.pem" }, /the file is no certificate/],
    ["what is no key", { "service-account-private-key-file": "nothing.pem" }, /the file is no private key/],
    ["half a pair", { "cluster-signing-cert-file": "ca.crt" }, /belong together: give both or neither/],
    [
      "a signer's own beside the general one",
      {
        "cluster-signing-cert-file": "ca.crt",
        "cluster-signing-key-file": "ca.key",
        "cluster-signing-legacy-unknown-cert-file": "ca.crt",
        "cluster-signing-legacy-unknown-key-file": "ca.key",
      },
      /holds for all signers: leave it out, or cluster-signing-legacy-unknown-cert-file/,
    ],
  ])("%s is refused", async (_, names, says) => {
    const paths = Object.fromEntries(Object.entries(names).map(([k, v]) => [k, v.startsWith("/") ? v : file(v)]));
    await expect(readControllerFiles(paths)).rejects.toThrow(says);
  });
});
