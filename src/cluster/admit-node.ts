import { createHash, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { forbidden, StatusError } from "../api/status.ts";
import type { Clock } from "../base/clock.ts";
import { readIfThere } from "../base/files.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import { type KeyPair, signLeaf, type VerifiedRequest, verifyRequest } from "./authority.ts";
import { getBootstrapToken } from "./bootstrap-tokens.ts";
import { type ClusterSettings, type JoinAnswer, type JoinRequest, nodeGroups } from "./join-protocol.ts";
import { lifeIn } from "./leaf-life.ts";
import { claimName } from "./node-keys.ts";
import { type JoinToken, parseToken } from "./token.ts";
import { skewBetween } from "./version-skew.ts";

export interface GateOptions {
  /** With the right to read and write Secrets in kube-system. */
  readonly client: Client;
  /** DATA/server, where the tokens lie. They are read at each attempt: a rotated token counts at once. */
  readonly directory: string;
  readonly clientCa: () => KeyPair;
  readonly serverCa: () => string;
  readonly servers: () => readonly string[];
  readonly cluster: ClusterSettings;
  /** The name of the server's own node: no device gets it. */
  readonly ownNode: string | undefined;
  /** Of this server's skiff. */
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** How a device shows that it may join: with a token, or as the node that it is already. */
export interface Credential {
  readonly token?: Omit<JoinToken, "caHash"> | undefined;
  /** The name in a valid certificate of a node. */
  readonly node?: string | undefined;
}

const agentToken = "agent-token";
export const nodeToken = "node-token";

/** Lets devices in: checks what they show, holds each node's name to one key, and signs certificates. */
export class Gate {
  readonly #options: GateOptions;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** @throws {StatusError} in words that are shown to whoever set the device up */
  async admit(credential: Credential, body: unknown): Promise<JoinAnswer> {
    const { client, clock, log, clientCa, serverCa, servers, cluster, ownNode, version } = this.#options;
    const asked = joinRequestFrom(body);
    await this.#mustBeEntitled(credential, asked.nodeName);
    // Who is a node stays one whatever is upgraded first; who comes anew is told what to install.
    const skew = credential.node || !asked.version ? undefined : skewBetween(asked.version, version);
    if (skew !== undefined) throw new StatusError("BadRequest", skew);
    const { publicKey, fingerprint } = await verified(asked.certificateRequest);
    if (asked.nodeName === ownNode || !(await claimName(client, asked.nodeName, fingerprint)))
      throw anotherKey(asked.nodeName);
    const subject = {
      commonName: `system:node:${asked.nodeName}`,
      organizations: nodeGroups,
      usage: "client" as const,
    };
    const certificate = await signLeaf(clientCa(), subject, publicKey, lifeIn(cluster, clock.now()));
    log.info(credential.node ? "a node's certificate was renewed" : "a device joined", { node: asked.nodeName });
    return { certificate, serverCa: serverCa(), servers: servers(), cluster, version };
  }

  async #mustBeEntitled({ token, node }: Credential, nodeName: string): Promise<void> {
    if (node !== undefined) {
      if (node === nodeName) return;
      throw forbidden(undefined, "", `node ${node} may not ask for the certificate of node ${nodeName}`);
    }
    if (token && ((await this.#isClusterToken(token)) || (await this.#isBootstrapToken(token)))) return;
    throw new StatusError(
      "Unauthorized",
      "the token is not valid here: it may have been deleted, rotated or expired, or belong to another cluster; `skiff token create` on a server makes a new one",
    );
  }

  async #isClusterToken({ secret }: { readonly secret: string }): Promise<boolean> {
    const { directory } = this.#options;
    const files = await Promise.all([nodeToken, agentToken].map((name) => readIfThere(join(directory, name))));
    return files.some((text) => text !== undefined && same(parseToken(text.trim()).secret, secret));
  }

  async #isBootstrapToken({ user, secret }: { readonly user: string; readonly secret: string }): Promise<boolean> {
    const { client, clock } = this.#options;
    const known = await getBootstrapToken(client, user);
    return known !== undefined && same(known.secret, secret) && (known.expiresMs ?? Infinity) > clock.now();
  }
}

/** Compares in a time that tells nothing about where they differ. */
function same(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

async function verified(pem: string): Promise<VerifiedRequest> {
  try {
    return await verifyRequest(pem);
  } catch (cause) {
    throw new StatusError("BadRequest", `the certificate request cannot be used: ${(cause as Error).message}`);
  }
}

function anotherKey(nodeName: string): StatusError {
  return new StatusError(
    "Forbidden",
    `another device is node ${JSON.stringify(nodeName)} already: its key is not this device's. Give this one another name with --node-name (or --with-node-id); if it is the same device, set up anew, run \`skiff node readmit ${nodeName}\` on a server`,
  );
}

function joinRequestFrom(body: unknown): JoinRequest {
  const { nodeName, certificateRequest, version } = (body ?? {}) as Partial<Record<keyof JoinRequest, unknown>>;
  if (typeof nodeName !== "string" || !/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(nodeName))
    throw new StatusError("BadRequest", "the node's name is missing, or not one that a node may have");
  if (typeof certificateRequest !== "string") throw new StatusError("BadRequest", "the certificate request is missing");
  return { nodeName, certificateRequest, ...(typeof version === "string" && { version }) };
}
