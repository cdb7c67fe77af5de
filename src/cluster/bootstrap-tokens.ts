import { randomInt } from "node:crypto";
import { secret as secretKind } from "../api/kinds/core/secret.ts";
import type { Secret } from "../api/schema/types.ts";
import { timeFrom, timeText } from "../api/time.ts";
import type { Client } from "../client/client.ts";
import { ifThere } from "../client/if-there.ts";

/** A token with an end, kept as Kubernetes keeps it (Kubernetes docs, "Authenticating with Bootstrap Tokens"). */
export interface BootstrapToken {
  readonly id: string;
  readonly secret: string;
  readonly description: string;
  /** Undefined: it does not end by itself. */
  readonly expiresMs: number | undefined;
}

const namespace = "kube-system";
const type = "bootstrap.kubernetes.io/token";
const prefix = "bootstrap-token-";
const letters = "abcdefghijklmnopqrstuvwxyz0123456789";

/** `ID.SECRET` of random letters and digits. */
export function generateBootstrapToken(): Pick<BootstrapToken, "id" | "secret"> {
  const word = (length: number) => Array.from({ length }, () => letters[randomInt(letters.length)]).join("");
  return { id: word(6), secret: word(16) };
}

export async function createBootstrapToken(client: Client, token: BootstrapToken): Promise<void> {
  const { id, secret, description, expiresMs } = token;
  const values = {
    "token-id": id,
    "token-secret": secret,
    "usage-bootstrap-authentication": "true",
    "usage-bootstrap-signing": "true",
    "auth-extra-groups": "system:bootstrappers:skiff:default-node-token",
    ...(description && { description }),
    ...(expiresMs !== undefined && { expiration: timeText(expiresMs) }),
  };
  const data = Object.fromEntries(Object.entries(values).map(([key, text]) => [key, base64(text)]));
  await client.create(secretKind, { metadata: { namespace, name: `${prefix}${id}` }, type, data });
}

export async function listBootstrapTokens(client: Client): Promise<BootstrapToken[]> {
  const { items } = await client.list(secretKind, { namespace, fieldSelector: `type=${type}` });
  return items.flatMap((secret) => tokenFrom(secret) ?? []);
}

/** Undefined when there is none of this id. */
export async function getBootstrapToken(client: Client, id: string): Promise<BootstrapToken | undefined> {
  if (!/^[a-z0-9]{6}$/.test(id)) return undefined;
  const secret = await ifThere(client.get(secretKind, { namespace, name: `${prefix}${id}` }));
  return secret && tokenFrom(secret);
}

/** @throws {StatusError} NotFound */
export async function deleteBootstrapToken(client: Client, id: string): Promise<void> {
  await client.delete(secretKind, { namespace, name: `${prefix}${id}` });
}

function tokenFrom({ type: is, data = {} }: Secret): BootstrapToken | undefined {
  const text = (key: string): string => Buffer.from(data[key] ?? "", "base64").toString();
  if (is !== type || text("usage-bootstrap-authentication") !== "true") return undefined;
  const [id, secret] = [text("token-id"), text("token-secret")];
  if (!id || !secret) return undefined;
  const expiration = text("expiration");
  return { id, secret, description: text("description"), expiresMs: expiration ? timeFrom(expiration) : undefined };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
