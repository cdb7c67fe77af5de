import { generateKeyPair, randomBytes, X509Certificate } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { keepWhole, readIfThere, readOrMake, writeWhole } from "../base/files.ts";
import { CannotStart } from "../base/lifecycle.ts";
import {
  certificatesIn,
  crossSign,
  describeCertificate,
  issueLeaf,
  type KeyPair,
  type LeafRequest,
  makeAuthority,
} from "./authority.ts";
import { endsSoon, lifeIn } from "./leaf-life.ts";
import { caHashOf, parseToken, tokenText } from "./token.ts";

/** All keys and certificates of a server, as they lie in DATA/server/tls. Made at the first start, read at later ones. */
export interface ServerCredentials {
  /** Signs what servers show. */
  readonly serverCa: KeyPair;
  /** Signs what users and nodes show. */
  readonly clientCa: KeyPair;
  /** What the API server shows. */
  readonly serving: KeyPair;
  /** The cluster's administrator: user system:admin in group system:masters. */
  readonly admin: KeyPair;
  /** Signs what this server shows to servers of other APIs, and that pair itself (user system:auth-proxy). */
  readonly requestHeaderCa: KeyPair;
  readonly frontProxy: KeyPair;
  /** This server's own node agent, when it has one. */
  readonly node: KeyPair;
  /** Private key in PEM (RSA, as clients of the JWKS document expect) that signs service account tokens. */
  readonly serviceAccountKey: string;
  /** The token with which agents join: `K10<hash of the server CA>::server:<secret>`. */
  readonly nodeToken: string;
  /** Whom clients are to believe: the server authority, behind it the one before it while its certificates live. */
  readonly serverCas: string;
  /** Whose client certificates are taken; the same for the client authority. */
  readonly clientCas: string;
  /** The same for what this server shows to servers of other APIs. */
  readonly requestHeaderCas: string;
}

export interface CredentialOptions {
  /** DATA/server. */
  readonly directory: string;
  readonly nodeName: string;
  /** Names and addresses under which clients reach the API. */
  readonly sans: readonly string[];
  /** The secret part of the node token, when the user gave one. */
  readonly token?: string | undefined;
  /** The secret of a token with which only agents can join, when the user gave one. */
  readonly agentToken?: string | undefined;
  /** How long leaves live; a year unless said. */
  readonly leafLifetimeMs?: number;
  readonly nowMs: number;
}

/** Reads the credentials, making those that are missing or close to their end. Files are 0600. */
export async function openCredentials(options: CredentialOptions): Promise<ServerCredentials> {
  const { directory, nodeName, sans, nowMs } = options;
  const life = lifeIn(options, nowMs);
  const tls = join(directory, "tls");
  const authority = (name: string) =>
    keyPair(join(tls, name), () => makeAuthority(`skiff-${name}@${Math.floor(nowMs / 1000)}`, nowMs));
  const leaf = (name: string, ca: KeyPair, request: LeafRequest) =>
    keyPair(
      join(tls, name),
      () => issueLeaf(ca, request, life),
      (pair) => isUsable(pair, request, ca) && !endsSoon(pair.cert, life),
    );

  const [serverCa, clientCa, requestHeaderCa, serviceAccountKey] = await Promise.all([
    authority("server-ca"),
    authority("client-ca"),
    authority("request-header-ca"),
    readOrMake(join(tls, "service.key"), makeServiceAccountKey),
  ]);
  const [serving, admin, frontProxy, node] = await Promise.all([
    leaf("serving-kube-apiserver", serverCa, { commonName: "kube-apiserver", usage: "server", sans }),
    leaf("client-admin", clientCa, { commonName: "system:admin", organizations: ["system:masters"], usage: "client" }),
    leaf("client-auth-proxy", requestHeaderCa, { commonName: "system:auth-proxy", usage: "client" }),
    leaf("client-kubelet", clientCa, {
      commonName: `system:node:${nodeName}`,
      organizations: ["system:nodes"],
      usage: "client",
    }),
  ]);
  const [serverCas, clientCas, requestHeaderCas, cross] = await Promise.all([
    withBefore(tls, "server-ca", serverCa.cert),
    withBefore(tls, "client-ca", clientCa.cert),
    withBefore(tls, "request-header-ca", requestHeaderCa.cert),
    readIfThere(join(tls, "server-ca-cross.crt")),
  ]);
  const nodeToken = await nodeTokenFile(directory, serverCa.cert, options.token);
  if (options.agentToken !== undefined) {
    const token = { caHash: caHashOf(serverCa.cert), user: "node", secret: options.agentToken };
    await keepWhole(join(directory, "agent-token"), `${tokenText(token)}\n`);
  } else await rm(join(directory, "agent-token"), { force: true });
  // Behind its own certificate the server shows what the former authority says of the present one.
  const shown = { ...serving, cert: serving.cert + (cross ?? "") };
  const own = { serving: shown, admin, frontProxy, node, serviceAccountKey, nodeToken };
  return { serverCa, clientCa, requestHeaderCa, serverCas, clientCas, requestHeaderCas, ...own };
}

/** Certificates that are not authorities: made anew at the next look when they are gone. */
const leaves = ["serving-kube-apiserver", "client-admin", "client-auth-proxy", "client-kubelet"];
/** So many former authorities stay believed. */
const formerKept = 4;
const authorityNames = ["server-ca", "client-ca", "request-header-ca"];

/** Has all certificates of a server made anew, by the server that runs or by the next one. */
export async function rotateLeaves(directory: string): Promise<void> {
  for (const name of leaves) await rm(join(directory, "tls", `${name}.crt`), { force: true });
}

/**
 * Replaces the authorities. The former ones stay believed: what they signed is good until it is renewed, and who knows only
 * the former server authority finds the present one signed by it.
 */
export async function rotateAuthorities(directory: string, nowMs: number): Promise<void> {
  const tls = join(directory, "tls");
  for (const name of authorityNames) {
    const path = join(tls, name);
    const [cert, key] = await Promise.all([readIfThere(`${path}.crt`), readIfThere(`${path}.key`)]);
    if (cert === undefined || key === undefined)
      throw new CannotStart(`${path}.crt is not there: run this on a server`);
    const made = await makeAuthority(`skiff-${name}@${Math.floor(nowMs / 1000)}`, nowMs);
    // The newest first. Who was away through several replacements finds a way from each to the next.
    const [before = "", cross = ""] = await Promise.all(
      ["before", "cross"].map((of) => readIfThere(`${path}-${of}.crt`)),
    );
    await writeWhole(`${path}-before.crt`, newest(cert + before));
    await writeWhole(`${path}-cross.crt`, newest((await crossSign({ cert, key }, made.cert)) + cross));
    await writeWhole(`${path}.key`, made.key);
    await writeWhole(`${path}.crt`, made.cert);
  }
}

/** The first few certificates of a text. */
function newest(pem: string): string {
  return certificatesIn(pem).slice(0, formerKept).join("");
}

/** What `skiff certificate check` shows of a server. */
export async function readCertificates(directory: string): Promise<{ name: string; cert: string }[]> {
  const names = [...authorityNames, ...leaves];
  const certs = await Promise.all(names.map((name) => readIfThere(join(directory, "tls", `${name}.crt`))));
  return names.flatMap((name, i) => (certs[i] === undefined ? [] : [{ name, cert: certs[i] }]));
}

async function withBefore(tls: string, name: string, cert: string): Promise<string> {
  return cert + ((await readIfThere(join(tls, `${name}-before.crt`))) ?? "");
}

/** The two files NAME.crt and NAME.key; made anew when one is missing or `usable` refuses them. */
async function keyPair(path: string, make: () => Promise<KeyPair>, usable = (_: KeyPair) => true): Promise<KeyPair> {
  const [cert, key] = await Promise.all([readIfThere(`${path}.crt`), readIfThere(`${path}.key`)]);
  if (cert !== undefined && key !== undefined && usable({ cert, key })) return { cert, key };
  const made = await make();
  // The key first: a certificate without its key would be taken for whole at the next start.
  await writeWhole(`${path}.key`, made.key);
  await writeWhole(`${path}.crt`, made.cert);
  return made;
}

function isUsable({ cert }: KeyPair, { sans = [], commonName }: LeafRequest, ca: KeyPair): boolean {
  const described = describeCertificate(cert);
  if (!described) return false;
  const parsed = new X509Certificate(cert);
  return (
    parsed.subject.split("\n").includes(`CN=${commonName}`) &&
    parsed.checkIssued(new X509Certificate(ca.cert)) &&
    sans.every((name) => described.sans.includes(name))
  );
}

async function makeServiceAccountKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

async function nodeTokenFile(directory: string, caCert: string, given: string | undefined): Promise<string> {
  const file = join(directory, "node-token");
  const there = (await readIfThere(file))?.trim();
  const secret = given ?? (there ? parseToken(there).secret : randomBytes(16).toString("hex"));
  const token = tokenText({ caHash: caHashOf(caCert), user: "server", secret });
  if (there !== token) await writeWhole(file, `${token}\n`);
  return token;
}
