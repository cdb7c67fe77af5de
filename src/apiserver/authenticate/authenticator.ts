import type { TLSSocket } from "node:tls";
import { StatusError } from "../../api/status.ts";
import { isTimeError } from "../../base/pinned-tls.ts";
import type { Incoming } from "../http/exchange.ts";
import { anonymousUser, type UserInfo } from "../user.ts";

/** Says whose token this is; undefined where it does not know the token. */
export interface TokenAuthenticator {
  authenticate(token: string, audiences?: readonly string[]): Promise<TokenOwner | undefined> | TokenOwner | undefined;
}

export interface TokenOwner {
  readonly user: UserInfo;
  /** For whom the token was made; empty where the token does not say. */
  readonly audiences: readonly string[];
}

export interface StaticToken {
  readonly token: string;
  readonly user: string;
  readonly uid: string;
  readonly groups: readonly string[];
}

export const authenticatedGroup = "system:authenticated";
const webSocketToken = /^base64url\.bearer\.authorization\.k8s\.io\.(.+)$/;

export interface AuthenticatorOptions {
  readonly tokens: readonly TokenAuthenticator[];
  readonly anonymous: boolean;
  readonly clockIsWrong?: () => boolean;
}

/** Finds out who asks: by client certificate, by bearer token, or nobody in particular. */
export class Authenticator {
  readonly #tokens: readonly TokenAuthenticator[];
  readonly #anonymous: boolean;
  readonly #clockIsWrong: () => boolean;
  // A connection's certificate does not change: it is read once.
  readonly #bySocket = new WeakMap<object, UserInfo | null>();

  /** `clockIsWrong`: while it says so, the dates of certificates are not judged; a device may boot years off. */
  constructor({ tokens, anonymous, clockIsWrong = () => false }: AuthenticatorOptions) {
    this.#clockIsWrong = clockIsWrong;
    this.#tokens = tokens;
    this.#anonymous = anonymous;
  }

  /** @throws {StatusError} Unauthorized */
  async authenticate(incoming: Incoming): Promise<UserInfo> {
    const byCertificate = this.#certificateUser(incoming);
    if (byCertificate) return byCertificate;
    const token = bearerToken(incoming);
    if (token) {
      const owner = await this.authenticateToken(token);
      if (owner) return withAuthenticated(owner.user);
      throw new StatusError("Unauthorized", "Unauthorized");
    }
    if (this.#anonymous) return anonymousUser;
    throw new StatusError("Unauthorized", "Unauthorized");
  }

  async authenticateToken(token: string, audiences?: readonly string[]): Promise<TokenOwner | undefined> {
    for (const authenticator of this.#tokens) {
      const owner = await authenticator.authenticate(token, audiences);
      if (owner) return owner;
    }
    return undefined;
  }

  #certificateUser(incoming: Incoming): UserInfo | null {
    const socket = tlsSocketOf(incoming);
    if (!socket) return null;
    const known = this.#bySocket.get(socket);
    if (known !== undefined) return known;
    const isForgiven = () => isTimeError(socket.authorizationError) && this.#clockIsWrong();
    const user = socket.authorized || isForgiven() ? userOfCertificate(socket) : null;
    this.#bySocket.set(socket, user);
    return user;
  }
}

function tlsSocketOf(incoming: Incoming): TLSSocket | undefined {
  const socket = ("stream" in incoming ? incoming.stream.session?.socket : incoming.socket) as TLSSocket | undefined;
  // Not `in`: an HTTP/2 session shows its socket through a proxy that only answers for what is read.
  return typeof socket?.getPeerCertificate === "function" ? socket : undefined;
}

/** Kubernetes docs, "Authenticating", "X.509 client certificates": the common name is the user, organizations the groups. */
function userOfCertificate(socket: TLSSocket): UserInfo | null {
  const { subject } = socket.getPeerCertificate() ?? {};
  const name = [subject?.CN ?? ""].flat()[0];
  if (!name) return null;
  const organizations = [subject?.O ?? []].flat() as string[];
  return withAuthenticated({ name, uid: "", groups: organizations, extra: {} });
}

export function withAuthenticated(user: UserInfo): UserInfo {
  if (user.groups.includes(authenticatedGroup)) return user;
  return { ...user, groups: [...user.groups, authenticatedGroup] };
}

function bearerToken(incoming: Incoming): string | undefined {
  const { authorization } = incoming.headers;
  if (authorization) {
    const [scheme, token] = authorization.trim().split(" ", 2);
    return scheme?.toLowerCase() === "bearer" ? token?.trim() : undefined;
  }
  // Browsers cannot set headers of a WebSocket; there the token comes as a protocol (Kubernetes' websocket token).
  const protocols = String(incoming.headers["sec-websocket-protocol"] ?? "").split(",");
  for (const protocol of protocols) {
    const encoded = webSocketToken.exec(protocol.trim())?.[1];
    if (encoded) return Buffer.from(encoded, "base64url").toString();
  }
  return undefined;
}

/** The tokens of a list that is given at start (--token-auth-file). */
export function staticTokens(tokens: readonly StaticToken[]): TokenAuthenticator {
  const owners = new Map<string, TokenOwner>(
    tokens.map(({ token, user, uid, groups }) => [
      token,
      { user: { name: user, uid, groups, extra: {} }, audiences: [] },
    ]),
  );
  return { authenticate: (token) => owners.get(token) };
}
