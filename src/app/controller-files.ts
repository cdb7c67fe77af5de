import { createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { SignerName } from "../api/certificate-signer.ts";
import { CannotStart } from "../base/lifecycle.ts";
import { messageOf } from "../base/log.ts";
import { describeCertificate, type KeyPair } from "../cluster/authority.ts";

/** Settings of kube-controller-manager that name files, and each signer's part of their names. */
const signerWords: Readonly<Record<SignerName, string>> = {
  client: "kube-apiserver-client",
  kubeletClient: "kubelet-client",
  kubeletServing: "kubelet-serving",
  legacy: "legacy-unknown",
};

type FileSetting = `${string}-file`;

export const controllerFileSettings: readonly FileSetting[] = [
  "root-ca-file",
  "service-account-private-key-file",
  ...["", ...Object.values(signerWords).map((word) => `${word}-`)].flatMap((word): FileSetting[] => [
    `cluster-signing-${word}cert-file`,
    `cluster-signing-${word}key-file`,
  ]),
];

/** By the setting's name: the file. */
export type ControllerFileNames = { readonly [name: FileSetting]: string | undefined };

/** What the files hold; what none was named for stays as the cluster made it. */
export interface ControllerFiles {
  /** By which certificate (PEM) pods know the API server. */
  readonly rootCa?: string;
  /** Signs the tokens that Secrets hold. */
  readonly accountKey?: string;
  readonly signing: Partial<Readonly<Record<SignerName, KeyPair>>>;
}

/** @throws {CannotStart} for files that cannot be read, are not what they should be, or contradict each other */
export async function readControllerFiles(names: ControllerFileNames): Promise<ControllerFiles> {
  const rootCa = await pemIn(names, "root-ca-file");
  if (rootCa !== undefined && !describeCertificate(rootCa)) throw refused(names, "root-ca-file", "is no certificate");
  const accountKey = await keyIn(names, "service-account-private-key-file");
  const general = await keyPairIn(names, "");
  const signing: Partial<Record<SignerName, KeyPair>> = {};
  for (const [signer, word] of Object.entries(signerWords) as [SignerName, string][]) {
    const own = await keyPairIn(names, `${word}-`);
    if (general && own)
      throw new CannotStart(
        `cluster-signing-cert-file holds for all signers: leave it out, or cluster-signing-${word}-cert-file`,
      );
    const pair = own ?? general;
    if (pair) signing[signer] = pair;
  }
  return { ...(rootCa && { rootCa }), ...(accountKey && { accountKey }), signing };
}

async function keyPairIn(names: ControllerFileNames, word: string): Promise<KeyPair | undefined> {
  const [certName, keyName] = [`cluster-signing-${word}cert-file`, `cluster-signing-${word}key-file`] as const;
  const [cert, key] = [await pemIn(names, certName), await keyIn(names, keyName)];
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new CannotStart(`${certName} and ${keyName} belong together: give both or neither`);
  if (!describeCertificate(cert)) throw refused(names, certName, "is no certificate");
  return { cert, key };
}

async function keyIn(names: ControllerFileNames, name: FileSetting): Promise<string | undefined> {
  const pem = await pemIn(names, name);
  if (pem === undefined) return undefined;
  try {
    createPrivateKey(pem);
  } catch (error) {
    throw refused(names, name, `is no private key: ${messageOf(error)}`);
  }
  return pem;
}

async function pemIn(names: ControllerFileNames, name: FileSetting): Promise<string | undefined> {
  const file = names[name];
  if (file === undefined) return undefined;
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw refused(names, name, `cannot be read: ${messageOf(error)}`);
  }
}

function refused(names: ControllerFileNames, name: FileSetting, why: string): CannotStart {
  return new CannotStart(`--kube-controller-manager-arg ${name}=${names[name]}: the file ${why}`);
}
