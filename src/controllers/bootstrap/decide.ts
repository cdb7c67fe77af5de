import { createHmac } from "node:crypto";
import type { ConfigMap, Secret } from "../../api/schema/types.ts";

export const tokenType = "bootstrap.kubernetes.io/token";
const signaturePrefix = "jws-kubeconfig-";

const fieldOf = ({ data }: Secret, name: string): string => Buffer.from(data?.[name] ?? "", "base64").toString();

/** When a bootstrap token ends, in milliseconds since 1970; undefined for one that does not, NaN for one that says nonsense. */
export function expiresAtMs(secret: Secret): number | undefined {
  const text = fieldOf(secret, "expiration");
  return text === "" ? undefined : Date.parse(text);
}

/**
 * The signatures of cluster-info, one for each token that may sign, by which a new node knows that the text comes from the
 * cluster that gave it the token (Kubernetes docs, "Authenticating with Bootstrap Tokens"). Undefined when they are as they should be.
 */
export function decideSignatures(
  clusterInfo: ConfigMap,
  secrets: readonly Secret[],
  now: number,
): Record<string, string> | undefined {
  const { kubeconfig } = clusterInfo.data ?? {};
  if (kubeconfig === undefined) return undefined;
  const data = Object.fromEntries(
    Object.entries(clusterInfo.data ?? {}).filter(([name]) => !name.startsWith(signaturePrefix)),
  );
  for (const secret of secrets) {
    const id = signingToken(secret, now);
    if (id) data[`${signaturePrefix}${id}`] = signature(kubeconfig, id, fieldOf(secret, "token-secret"));
  }
  const same =
    Object.keys(data).length === Object.keys(clusterInfo.data ?? {}).length &&
    Object.entries(data).every(([name, value]) => clusterInfo.data?.[name] === value);
  return same ? undefined : data;
}

/** The token's id, when it is whole, has not ended and may sign. */
function signingToken(secret: Secret, now: number): string | undefined {
  const id = fieldOf(secret, "token-id");
  const isWhole =
    secret.type === tokenType &&
    /^[a-z0-9]{6}$/.test(id) &&
    secret.metadata.name === `bootstrap-token-${id}` &&
    fieldOf(secret, "token-secret") !== "";
  const endsAtMs = expiresAtMs(secret);
  if (!isWhole || (endsAtMs !== undefined && !(endsAtMs > now))) return undefined;
  return fieldOf(secret, "usage-bootstrap-signing") === "true" ? id : undefined;
}

/** A JSON Web Signature without its payload (RFC 7515, appendix F). */
function signature(payload: string, id: string, secret: string): string {
  const encoded = (text: string): string => Buffer.from(text).toString("base64url");
  const header = encoded(JSON.stringify({ alg: "HS256", kid: id }));
  const sum = createHmac("sha256", secret)
    .update(`${header}.${encoded(payload)}`)
    .digest("base64url");
  return `${header}..${sum}`;
}
