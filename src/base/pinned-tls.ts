import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";

export interface PinnedServer {
  readonly host: string;
  readonly port: number;
  /** The one authority (PEM, perhaps several in a row) that the server's certificate must come from. */
  readonly ca: string;
  /** A name that every certificate of that authority's servers carries; absent: the host is checked. */
  readonly name?: string | undefined;
  /** What to show, in PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly protocols: readonly string[];
}

// A server whose packets are dropped somewhere would otherwise be waited for as long as the kernel likes: two minutes. One that
// is there may be busy: its handshake is given more time.
const connectWithinMs = 3_000;
const handshakeWithinMs = 10_000;
const timeErrors = ["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"];

/**
 * Opens a TLS connection to a server of a known authority. A device without a battery for its clock starts years off: while
 * this machine's time lies outside the authority's own life, the dates of certificates are not judged; all else is.
 */
export function connectPinned(server: PinnedServer, signal?: AbortSignal): Promise<TLSSocket> {
  const { host, port, ca, name, cert, key, protocols } = server;
  return new Promise((resolve, reject) => {
    const asked = name ?? host;
    const socket = connect({
      host,
      port,
      ca,
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(!isIP(asked) && { servername: asked }),
      ALPNProtocols: [...protocols],
      rejectUnauthorized: !isOutsideLife(ca, Date.now()),
      ...(name !== undefined && { checkServerIdentity: (_: string, shown) => mismatch(name, shown.raw) }),
    });
    const done = (): void => {
      clearTimeout(limit);
      socket.off("error", fail);
      socket.off("close", closed);
      signal?.removeEventListener("abort", abort);
    };
    const fail = (error: Error): void => {
      done();
      socket.on("error", () => socket.destroy());
      socket.destroy();
      reject(error);
    };
    const closed = (): void => fail(new Error(`${host}:${port} closed the connection`));
    const abort = (): void => fail(new Error("not needed any more"));
    const giveUp = (): void => fail(new Error(`${host}:${port} does not answer`));
    let limit = setTimeout(giveUp, connectWithinMs);
    socket.once("connect", () => {
      clearTimeout(limit);
      limit = setTimeout(giveUp, handshakeWithinMs);
    });
    socket.on("error", fail);
    socket.on("close", closed);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) return abort();
    socket.once("secureConnect", () => {
      const code = socket.authorizationError as unknown as string | null;
      if (code && !timeErrors.includes(code)) return fail(new Error(`${host}:${port}: ${code}`));
      done();
      resolve(socket);
    });
  });
}

/** Whether a time lies before the authority was made or after its end: no clock that says so is right. */
export function isOutsideLife(ca: string, nowMs: number): boolean {
  const { validFrom, validTo } = new X509Certificate(ca);
  return nowMs < Date.parse(validFrom) || nowMs > Date.parse(validTo);
}

/** Errors about a certificate's dates, in OpenSSL's names. */
export function isTimeError(code: unknown): boolean {
  return typeof code === "string" && timeErrors.includes(code);
}

function mismatch(name: string, raw: Buffer): Error | undefined {
  return new X509Certificate(raw).checkHost(name)
    ? undefined
    : new Error(`the server's certificate is not for ${JSON.stringify(name)}: it is no server of this cluster`);
}
