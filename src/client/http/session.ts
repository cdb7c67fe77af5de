import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import type { WireRequest } from "../../api/wire-request.ts";
import type { Clock } from "../../base/clock.ts";
import { connectPinned } from "../../base/pinned-tls.ts";

/** How a client shows who it is. */
export type Credentials = { readonly cert: string; readonly key: string } | { readonly token: string };

export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Texts; an aborted request ends it with an error. */
  readonly body: ClientHttp2Stream;
}

export interface SessionOptions {
  /** Asked at every new connection. */
  readonly server: () => string;
  /** Called when a server could not be reached, or is gone. */
  readonly unreachable: (server: string) => void;
  readonly ca: () => string;
  /** The name that the server's certificate must carry; absent: its host. */
  readonly serverName?: string | undefined;
  readonly credentials: () => Credentials;
  readonly clock: Clock;
  /** After this long without a word the server is asked whether it is there. */
  readonly silenceMs?: number | undefined;
}

interface Connection {
  readonly http: ClientHttp2Session;
  readonly token: string | undefined;
  readonly server: string;
  /** How many requests are under way. */
  open: number;
}

// client-go's figures: after 30 silent seconds ask whether the other side is still there, after 15 more it is not.
const usualSilenceMs = 30_000;
const answerShare = 0.5;
const windowBytes = 1024 * 1024;

/** One HTTP/2 connection for all requests, replaced when it breaks. */
export class Session {
  readonly #options: SessionOptions;
  #current: Promise<Connection> | undefined;
  #closed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Sends a request; resolves when the answer begins. */
  async open({ method, path, contentType, body }: WireRequest, signal?: AbortSignal): Promise<WireAnswer> {
    if (this.#closed) throw new Error("the connection was closed");
    const connection = await this.#connected();
    const { http, token, server } = connection;
    signal?.throwIfAborted();
    const stream = http.request(
      {
        [constants.HTTP2_HEADER_METHOD]: method,
        [constants.HTTP2_HEADER_PATH]: path,
        accept: "application/json",
        ...(contentType && { "content-type": contentType }),
        ...(token && { authorization: `Bearer ${token}` }),
      },
      { ...(signal && { signal }), endStream: body === undefined },
    );
    // The process goes on as long as somebody waits for an answer; an idle connection keeps nothing alive.
    http.ref();
    connection.open++;
    stream.once("close", () => {
      if (--connection.open === 0 && !http.destroyed) http.unref();
    });
    stream.setEncoding("utf8");
    if (body !== undefined) stream.end(body);
    return new Promise((resolve, reject) => {
      // Without a listener an error that comes after the answer would end the process; who reads the body sees it.
      stream.on("error", reject);
      stream.on("close", () => reject(new Error(`${server} closed the connection`)));
      stream.once("response", (headers) => resolve({ status: headers[":status"] ?? 0, headers, body: stream }));
    });
  }

  /** New requests go over a new connection; the present one ends with its last request. */
  retire(): void {
    const retired = this.#current;
    this.#current = undefined;
    void retired?.then(
      ({ http }) => http.close(),
      () => {}, // it never was one; who waited for it was told
    );
  }

  /** The way to the server is another one: what is under way fails at once, instead of waiting for an answer that cannot come. */
  abandon(): void {
    const abandoned = this.#current;
    this.#current = undefined;
    void abandoned?.then(
      ({ http }) => http.destroy(new Error("the way to the server is another one now")),
      () => {}, // it never was one; who waited for it was told
    );
  }

  close(): void {
    this.#closed = true;
    const closed = this.#current;
    this.#current = undefined;
    void closed?.then(
      ({ http }) => http.destroy(),
      () => {}, // it never was one; who waited for it was told
    );
  }

  async #connected(): Promise<Connection> {
    const known = this.#current;
    if (known) {
      const connection = await known;
      if (!connection.http.closed && !connection.http.destroyed) return connection;
      if (this.#current === known) this.#current = undefined;
    }
    this.#current ??= this.#connect();
    return this.#current;
  }

  #connect(): Promise<Connection> {
    const server = this.#options.server();
    const drop = (): void => {
      if (this.#current !== connection) return;
      this.#current = undefined;
      this.#options.unreachable(server);
    };
    const connection = this.#dial(server, drop);
    connection.catch(drop);
    return connection;
  }

  async #dial(server: string, drop: () => void): Promise<Connection> {
    const { ca, serverName: name, credentials } = this.#options;
    const shown = credentials();
    const identity = "token" in shown ? {} : shown;
    const { hostname, port } = new URL(server);
    const host = hostname.replace(/^\[|\]$/g, "");
    const socket = await connectPinned({
      host,
      port: Number(port || 443),
      ca: ca(),
      name,
      protocols: ["h2"],
      ...identity,
    });
    const settings = { enablePush: false, initialWindowSize: windowBytes };
    const http = connect(server, { createConnection: () => socket, settings });
    http.setLocalWindowSize(4 * windowBytes);
    http.on("error", drop); // every request under way is told by its stream
    http.on("goaway", drop);
    http.on("close", drop);
    http.unref();
    this.#watchOver(http);
    return { http, token: "token" in shown ? shown.token : undefined, server, open: 0 };
  }

  /** A connection that was cut silently looks idle: while it lives it is asked from time to time. */
  #watchOver(http: ClientHttp2Session): void {
    const { clock, silenceMs = usualSilenceMs } = this.#options;
    let timer: Disposable | undefined;
    const ask = (): void => {
      // A session that was destroyed may not have closed yet; asked then, it throws.
      if (http.destroyed) return;
      timer = clock.after(silenceMs * answerShare, () => http.destroy(new Error("the server no longer answers")));
      http.ping((error) => {
        timer?.[Symbol.dispose]();
        if (!error && !http.destroyed) timer = clock.after(silenceMs, ask);
      });
    };
    timer = clock.after(silenceMs, ask);
    http.once("close", () => timer?.[Symbol.dispose]());
  }
}
