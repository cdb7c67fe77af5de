import type { IncomingMessage } from "node:http";
import http2, { type Http2SecureServer } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Log } from "../../base/log.ts";
import type { Incoming, Outgoing } from "./exchange.ts";
import { methodNotAllowed } from "./route.ts";

export interface TlsMaterial {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  /** Whose client certificates are believed. */
  readonly clientCa: string;
}

export interface HttpServerOptions {
  readonly listen: { readonly address: string; readonly port: number };
  readonly tls: TlsMaterial;
  readonly log: Log;
  readonly onRequest: (incoming: Incoming, outgoing: Outgoing) => void;
  /** Which requests for another protocol `onUpgrade` is for; others come to `onRequest`. */
  readonly takesUpgrade: (incoming: IncomingMessage) => boolean;
  readonly onUpgrade: (incoming: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

// A client that does not get its request said in this time is let go: a thousand slow ones must not fill the server.
// Answers have no limit: watches, logs and port forwards last as long as somebody listens.
const headersWithinMs = 15_000;
const requestWithinMs = 60_000;
const idleAtMostMs = 90_000;
const keepAliveAfterMs = 30_000;
const mostConnections = 10_000;
const mostStreamsAConnection = 250;
const handshakeWithinMs = 10_000;
// As in Kubernetes: the command of an exec travels in the address. Node.js takes 64 KB over HTTP/2, whatever it is told.
const mostHeaderBytes = 1 << 20;

/** The listening socket: HTTP/1.1 and HTTP/2 over TLS, client certificates asked for but not demanded. */
export class HttpServer implements AsyncDisposable {
  readonly #server: Http2SecureServer;
  readonly #connections = new Set<Duplex>();

  private constructor(server: Http2SecureServer) {
    this.#server = server;
    server.on("secureConnection", (socket: Socket) => this.#track(socket));
  }

  static async open(options: HttpServerOptions): Promise<HttpServer> {
    const { listen, tls, log, onRequest, onUpgrade, takesUpgrade } = options;
    const server = http2.createSecureServer({
      ...contextOf(tls),
      allowHTTP1: true,
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: handshakeWithinMs,
      settings: { maxConcurrentStreams: mostStreamsAConnection, initialWindowSize: 1 << 20 },
      maxHeaderSize: mostHeaderBytes,
      headersTimeout: headersWithinMs,
      requestTimeout: requestWithinMs,
      keepAliveTimeout: idleAtMostMs,
      // A client that vanished without a word (a watch, an exec) is noticed by the kernel, which costs this process nothing.
      keepAlive: true,
      keepAliveInitialDelay: keepAliveAfterMs,
    } as http2.SecureServerOptions);
    server.maxConnections = mostConnections;
    // node:http's option of that name, which node:http2 does not hand on to its HTTP/1.1 side.
    Object.assign(server, { shouldUpgradeCallback: takesUpgrade });
    server.on("request", onRequest);
    server.on("upgrade", onUpgrade);
    server.on("clientError", answerUnreadable);
    server.on("sessionError", (error) => log.debug("a connection broke", { error }));
    server.on("tlsClientError", (error) => log.debug("a client did not finish its handshake", { error }));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(listen.port, listen.address, () => {
        server.off("error", reject);
        resolve();
      });
    });
    server.on("error", (error) => log.error("the listening socket failed", { error }));
    return new HttpServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** New connections get the new certificate and are checked against the new authority; those that are open go on. */
  replaceTls(tls: TlsMaterial): void {
    this.#server.setSecureContext(contextOf(tls));
  }

  #track(socket: Duplex): void {
    this.#connections.add(socket);
    socket.once("close", () => this.#connections.delete(socket));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#connections) socket.destroy();
    await closed;
  }
}

/** Answers what is no HTTP request; a method that nobody has heard of is allowed nowhere. */
function answerUnreadable({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy();
  if (code === "HPE_INVALID_METHOD") {
    const body = JSON.stringify(methodNotAllowed().toStatus());
    const type = "Content-Type: application/json\r\nCache-Control: no-cache, private";
    const length = `Content-Length: ${Buffer.byteLength(body)}`;
    return void socket.end(
      `HTTP/1.1 405 Method Not Allowed\r\n${type}\r\n${length}\r\nConnection: close\r\n\r\n${body}`,
    );
  }
  const status = unreadable[code ?? ""] ?? "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`);
}

const unreadable: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

function contextOf({ key, cert, clientCa }: TlsMaterial) {
  return { key, cert, ca: clientCa };
}
