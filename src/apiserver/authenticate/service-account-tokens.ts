import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import { decodeProtectedHeader, errors, exportJWK, type JWTPayload, jwtVerify, SignJWT } from "jose";
import type { Clock } from "../../base/clock.ts";
import { Timelines } from "../../base/timelines.ts";
import type { Store } from "../../store/contract.ts";
import { heldObject } from "../registry/held.ts";
import type { UserInfo } from "../user.ts";
import type { TokenAuthenticator, TokenOwner } from "./authenticator.ts";

export interface ServiceAccountKeys {
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** PEM, RSA or EC. */
  readonly signingKey: string;
  /** Signs the tokens that Secrets hold, PEM; the signing key does unless there is one. */
  readonly secretsKey?: string;
  /** Public keys whose tokens are believed, PEM; those of the keys above are always among them. */
  readonly verifyingKeys: readonly string[];
}

/** An object that a token is bound to: when it goes, the token is worth nothing. */
export interface BoundObject {
  readonly kind: "Pod" | "Secret" | "Node";
  readonly name: string;
  readonly uid: string;
}

export interface TokenRequest {
  readonly namespace: string;
  readonly account: { readonly name: string; readonly uid: string };
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  readonly bound?: BoundObject | undefined;
  /** The node of a pod that the token is bound to. */
  readonly node?: { readonly name: string; readonly uid: string } | undefined;
}

/** Asks for a token of the older form, which a Secret holds. */
export interface SecretTokenRequest {
  readonly namespace: string;
  readonly account: { readonly name: string; readonly uid: string };
  readonly secretName: string;
}

interface NamedObject {
  readonly name: string;
  readonly uid: string;
}

interface KubernetesClaims {
  readonly namespace: string;
  readonly serviceaccount: NamedObject;
  readonly pod?: NamedObject;
  readonly secret?: NamedObject;
  readonly node?: NamedObject;
  /** When whoever uses the token should have had a newer one, in seconds since 1970. */
  readonly warnafter?: number;
}

/** What tokens that are mounted into every pod are asked for; nodes renew them before it ends. */
export const podTokenSeconds = 3607;
const forgivenSeconds = 365 * 24 * 60 * 60;

/** Why a token that is one of ours is not good. */
export class BadToken extends Error {
  override readonly name = "BadToken";
}

interface Verified {
  /** The Secret that must still hold this token: those of the older form are good no longer than that. */
  readonly heldBy?: { readonly secretName: string; readonly token: string };
  readonly claims: KubernetesClaims;
  readonly audiences: readonly string[];
  readonly id: string;
  readonly expiresMs: number;
}

/** The issuer and the claims of tokens that Secrets hold (Kubernetes docs, "Managing Service Accounts"). */
const secretIssuer = "kubernetes/serviceaccount";
const secretClaim = (name: string): string => `kubernetes.io/serviceaccount/${name}`;
const lastUsedLabel = "kubernetes.io/legacy-token-last-used";
const invalidSinceLabel = "kubernetes.io/legacy-token-invalid-since";
const mostCached = 1000;
// An account or a pod that is being deleted keeps its tokens for as long as its containers may still be ending.
const leavingGraceMs = 60_000;

/** Makes and believes the tokens of service accounts (Kubernetes docs, "Managing Service Accounts"). */
export class ServiceAccountTokens implements TokenAuthenticator {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #keys: ServiceAccountKeys;
  readonly #signing: SigningKey;
  readonly #forSecrets: SigningKey;
  readonly #verifying: ReadonlyMap<string, KeyObject>;
  readonly #jwks: readonly Record<string, unknown>[];
  readonly #timelines: Timelines;
  readonly #cache = new Map<string, Verified>();

  private constructor(
    keys: ServiceAccountKeys & { readonly store: Store; readonly clock: Clock },
    { signing, forSecrets }: { signing: KeyObject; forSecrets: KeyObject },
    verifying: ReadonlyMap<string, KeyObject>,
    jwks: readonly Record<string, unknown>[],
  ) {
    this.#store = keys.store;
    this.#clock = keys.clock;
    this.#timelines = new Timelines(keys.clock);
    this.#keys = keys;
    this.#signing = signingKey(signing);
    this.#forSecrets = signingKey(forSecrets);
    this.#verifying = verifying;
    this.#jwks = jwks;
  }

  static async open(
    keys: ServiceAccountKeys & { readonly store: Store; readonly clock: Clock },
  ): Promise<ServiceAccountTokens> {
    const signing = createPrivateKey(keys.signingKey);
    const forSecrets = keys.secretsKey === undefined ? signing : createPrivateKey(keys.secretsKey);
    const publics = [
      createPublicKey(signing),
      createPublicKey(forSecrets),
      ...keys.verifyingKeys.map((pem) => createPublicKey(pem)),
    ];
    const verifying = new Map(publics.map((key) => [keyId(key), key]));
    const jwks = await Promise.all(
      [...verifying].map(async ([kid, key]) => ({ use: "sig", ...(await exportJWK(key)), kid, alg: algorithmOf(key) })),
    );
    return new ServiceAccountTokens(keys, { signing, forSecrets }, verifying, jwks);
  }

  /** Told, once a day, when the token in a Secret is used: with labels for it that say so. */
  onSecretUsed: (namespace: string, name: string, labels: Readonly<Record<string, string>>) => void = () => {};

  get defaultAudiences(): readonly string[] {
    return this.#keys.audiences;
  }

  /** A token and when it ends, in milliseconds. */
  async issue(request: TokenRequest): Promise<{ readonly token: string; readonly expiresMs: number }> {
    const { namespace, account, audiences, expirationSeconds, bound, node } = request;
    const now = Math.floor(this.#clock.now() / 1000);
    const lastsSeconds = this.#isForgiving(request) ? forgivenSeconds : expirationSeconds;
    const claims: KubernetesClaims = {
      namespace,
      serviceaccount: account,
      ...(bound && { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } }),
      ...(node && { node }),
      ...(lastsSeconds !== expirationSeconds && { warnafter: now + expirationSeconds }),
    };
    const token = await new SignJWT({ "kubernetes.io": claims })
      .setProtectedHeader({ alg: this.#signing.algorithm, kid: this.#signing.id })
      .setAudience([...audiences])
      .setIssuer(this.#keys.issuer)
      .setSubject(`system:serviceaccount:${namespace}:${account.name}`)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + lastsSeconds)
      .setJti(randomUUID())
      .sign(this.#signing.key);
    return { token, expiresMs: (now + expirationSeconds) * 1000 };
  }

  /** Programs that read the token in their pod but once go on with it, as with Kubernetes, for as long as the pod is there. */
  #isForgiving({ bound, expirationSeconds, audiences }: TokenRequest): boolean {
    return (
      bound?.kind === "Pod" &&
      expirationSeconds === podTokenSeconds &&
      audiences.every((audience) => this.#keys.audiences.includes(audience))
    );
  }

  /** A token without an end, which is good for as long as the Secret holds it. */
  async issueForSecret({ namespace, account, secretName }: SecretTokenRequest): Promise<string> {
    const claims = {
      [secretClaim("namespace")]: namespace,
      [secretClaim("secret.name")]: secretName,
      [secretClaim("service-account.name")]: account.name,
      [secretClaim("service-account.uid")]: account.uid,
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: this.#forSecrets.algorithm, kid: this.#forSecrets.id })
      .setIssuer(secretIssuer)
      .setSubject(`system:serviceaccount:${namespace}:${account.name}`)
      .sign(this.#forSecrets.key);
  }

  /** @throws {BadToken} for a token of this cluster's that is not (or no longer) good */
  async verify(token: string, audiences: readonly string[] = this.#keys.audiences): Promise<TokenOwner | undefined> {
    const verified = this.#cached(token) ?? (await this.#verified(token));
    if (!verified) return undefined;
    const shared = verified.audiences.filter((audience) => audiences.includes(audience));
    if (shared.length === 0)
      throw new BadToken(
        `token audiences ${goList(verified.audiences)} is invalid for the target audiences ${goList(audiences)}`,
      );
    return { user: this.#userOf(verified), audiences: shared };
  }

  async authenticate(token: string, audiences?: readonly string[]): Promise<TokenOwner | undefined> {
    try {
      return await this.verify(token, audiences);
    } catch (error) {
      if (error instanceof BadToken) return undefined;
      throw error;
    }
  }

  /** Where others find the keys to check tokens by themselves (OpenID Connect discovery). */
  configuration(url: string): object {
    return {
      issuer: this.#keys.issuer,
      jwks_uri: `${url}/openid/v1/jwks`,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: [...new Set(this.#jwks.map(({ alg }) => alg))],
    };
  }

  keySet(): object {
    return { keys: this.#jwks };
  }

  #cached(token: string): Verified | undefined {
    const known = this.#cache.get(token);
    if (known && known.expiresMs > Math.min(...this.#timelines.now())) return known;
    this.#cache.delete(token);
    return undefined;
  }

  async #verified(token: string): Promise<Verified | undefined> {
    let payload: JWTPayload;
    try {
      const { kid = "" } = decodeProtectedHeader(token);
      const key = this.#verifying.get(kid);
      if (!key) return undefined;
      payload = await this.#payloadOf(token, key);
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw new BadToken("service account token has expired");
      if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
      throw error;
    }
    const verified = payload.iss === secretIssuer ? this.#ofSecret(token, payload) : ofRequest(payload);
    if (!verified) return undefined;
    if (this.#cache.size >= mostCached) this.#cache.clear();
    this.#cache.set(token, verified);
    return verified;
  }

  /** A token is good by the time that it is, or by one that it was: pods renew theirs in their own time. */
  async #payloadOf(token: string, key: KeyObject): Promise<JWTPayload> {
    const [now, ...earlier] = this.#timelines.now();
    const issuer = [this.#keys.issuer, secretIssuer];
    const at = async (ms: number) =>
      (await jwtVerify(token, key, { issuer, currentDate: new Date(ms), algorithms: [algorithmOf(key)] })).payload;
    let attempt = at(now);
    for (const ms of earlier)
      attempt = attempt.catch((error: unknown) => {
        if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed) return at(ms);
        throw error;
      });
    return attempt;
  }

  #ofSecret(token: string, payload: JWTPayload): Verified {
    const claim = (name: string): string => String(payload[secretClaim(name)] ?? "");
    const serviceaccount = { name: claim("service-account.name"), uid: claim("service-account.uid") };
    return {
      heldBy: { secretName: claim("secret.name"), token },
      claims: { namespace: claim("namespace"), serviceaccount },
      audiences: this.#keys.audiences,
      id: "",
      expiresMs: Number.POSITIVE_INFINITY,
    };
  }

  #userOf({ claims, id, heldBy }: Verified): UserInfo {
    const { namespace, serviceaccount, pod, secret, node } = claims;
    if (heldBy) this.#mustBeHeld(namespace, heldBy);
    this.#mustExist("serviceaccounts", "service account", namespace, serviceaccount);
    if (pod) this.#mustExist("pods", "pod", namespace, pod);
    if (secret) this.#mustExist("secrets", "secret", namespace, secret);
    if (node && !pod) this.#mustExist("nodes", "node", undefined, node);
    return {
      name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
      uid: serviceaccount.uid,
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`],
      extra: {
        ...(id && { "authentication.kubernetes.io/credential-id": [`JTI=${id}`] }),
        ...(pod && {
          "authentication.kubernetes.io/pod-name": [pod.name],
          "authentication.kubernetes.io/pod-uid": [pod.uid],
        }),
        ...(node && {
          "authentication.kubernetes.io/node-name": [node.name],
          "authentication.kubernetes.io/node-uid": [node.uid],
        }),
      },
    };
  }

  #mustBeHeld(namespace: string, { secretName, token }: NonNullable<Verified["heldBy"]>): void {
    const entry = this.#store.get(`/secrets/${namespace}/${secretName}`);
    const secret = entry && heldObject(entry);
    if (!secret || secret.metadata.deletionTimestamp) throw new BadToken("Token has been invalidated");
    const held = (secret.data as Record<string, string> | undefined)?.token ?? "";
    if (Buffer.from(held, "base64").toString() !== token) throw new BadToken("Token does not match server's copy");
    const labels = secret.metadata.labels ?? {};
    if (labels[invalidSinceLabel])
      throw new BadToken(
        `the token in secret ${namespace}/${secretName} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${invalidSinceLabel}' label from the secret to temporarily allow use of this token`,
      );
    const today = new Date(this.#clock.now()).toISOString().slice(0, 10);
    if (labels[lastUsedLabel] !== today) this.onSecretUsed(namespace, secretName, { [lastUsedLabel]: today });
  }

  #mustExist(bucket: string, what: string, namespace: string | undefined, { name, uid }: NamedObject): void {
    const entry = this.#store.get(namespace === undefined ? `/${bucket}/${name}` : `/${bucket}/${namespace}/${name}`);
    const metadata = entry && heldObject(entry).metadata;
    if (!metadata || metadata.uid !== uid) throw new BadToken(`${what} ${namespace ?? ""}/${name} has been deleted`);
    const leaving = metadata.deletionTimestamp;
    if (leaving && Date.parse(leaving) + leavingGraceMs < this.#clock.now())
      throw new BadToken(`${what} ${namespace ?? ""}/${name} has been deleted`);
  }
}

/** What a token that somebody asked for says. */
function ofRequest(payload: JWTPayload): Verified | undefined {
  const claims = payload["kubernetes.io"] as KubernetesClaims | undefined;
  if (!claims?.serviceaccount) return undefined;
  const expiresMs = (payload.exp ?? 0) * 1000;
  return { claims, audiences: [payload.aud ?? []].flat(), id: payload.jti ?? "", expiresMs };
}

interface SigningKey {
  readonly key: KeyObject;
  readonly id: string;
  readonly algorithm: string;
}

function signingKey(key: KeyObject): SigningKey {
  return { key, id: keyId(createPublicKey(key)), algorithm: algorithmOf(key) };
}

function keyId(key: KeyObject): string {
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("base64url");
}

function algorithmOf(key: KeyObject): string {
  if (key.asymmetricKeyType !== "ec") return "RS256";
  const curves: Record<string, string> = { prime256v1: "ES256", secp384r1: "ES384", secp521r1: "ES512" };
  return curves[key.asymmetricKeyDetails?.namedCurve ?? ""] ?? "ES256";
}

function goList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(" ")}]`;
}
