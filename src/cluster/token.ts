import { createHash } from "node:crypto";

/**
 * What a device joins with. The secure form is `K10<hash of the cluster's authority>::USER:SECRET`, the short form `SECRET`;
 * a bootstrap token is `ID.SECRET` in either.
 */
export interface JoinToken {
  /** SHA-256, in hex, of the certificate (PEM) of the authority that the server must come from. */
  readonly caHash: string | undefined;
  readonly user: string;
  readonly secret: string;
}

const bootstrapForm = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
/** Whose token it is when only the secret is given. */
const agentUser = "node";

/** @throws {Error} with what is wrong; the token itself is not shown, because errors end up in logs */
export function parseToken(text: string): JoinToken {
  const [, caHash, rest = text] = /^K10([0-9a-f]{64})::(.+)$/.exec(text) ?? [];
  if (text.startsWith("K10") && caHash === undefined)
    throw new Error("the token is cut off: behind K10 come 64 digits, then ::USER:SECRET; copy it whole");
  const bootstrap = bootstrapForm.exec(rest);
  if (bootstrap) return { caHash, user: bootstrap[1] ?? "", secret: bootstrap[2] ?? "" };
  const [, user = agentUser, secret = rest] =
    caHash === undefined ? [] : (/^([^:]+):(.+)$/.exec(rest) ?? [undefined, agentUser, ""]);
  if (!/^[\w.+/=-]{1,256}$/.test(secret))
    throw new Error("the token has no secret: it is SECRET, ID.SECRET or K10…::USER:SECRET");
  return { caHash, user, secret };
}

export function tokenText({ caHash, user, secret }: JoinToken): string {
  const credential = bootstrapForm.test(`${user}.${secret}`) ? `${user}.${secret}` : `${user}:${secret}`;
  return caHash === undefined ? secret : `K10${caHash}::${credential}`;
}

export function caHashOf(caPem: string): string {
  return createHash("sha256").update(caPem).digest("hex");
}

/** For the Authorization header. */
export function basicAuthorization({ user, secret }: JoinToken): string {
  return `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`;
}

/** The other direction; undefined when the header is of another sort. */
export function userAndSecretFrom(authorization: string): Omit<JoinToken, "caHash"> | undefined {
  const [, encoded] = /^Basic ([\w+/=]+)$/i.exec(authorization.trim()) ?? [];
  const [, user, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? "", "base64").toString()) ?? [];
  return user === undefined || secret === undefined ? undefined : { user, secret };
}
