import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import type { Clock } from "../../base/clock.ts";
import type { WireRequest } from "./wire.ts";

/** How a client shows who it is. */
export type Credentials = { readonly cert: string; readonly key: string } | { readonly token: string };

export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Texts; an aborted request ends it with an error. */
  readonly body: ClientHttp2Stream;
}

export interface SessionOptions {
  readonly server: string;
  readonly ca: string;
  readonly credentials: () => Credentials;
  readonly clock: Clock;
}

// client-go's figures: after 30 silent seconds ask whether the other side is still there, after 15 more it is not.
const silenceMs = 30_000;
const answerMs = 15_000;
const windowBytes = 1024 * 1024;

/** One HTTP/2 connection for all requests, replaced when it breaks. */
export class Session {
  readonly #options: SessionOptions;
  #current: { http: ClientHttp2Session; token: string | undefined } | undefined;
  #closed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Sends a request; resolves when the answer begins. */
  open({ method, path, contentType, body }: WireRequest, signal?: AbortSignal): Promise<WireAnswer> {
    if (this.#closed) return Promise.reject(new Error("the connection was closed"));
    const { http, token } = this.#connected();
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
    stream.setEncoding("utf8");
    if (body !== undefined) stream.end(body);
    return new Promise((resolve, reject) => {
      // Without a listener an error that comes after the answer would end the process; who reads the body sees it.
      stream.on("error", reject);
      stream.on("close", () => reject(new Error(`${this.#options.server} closed the connection`)));
      stream.once("response", (headers) => resolve({ status: headers[":status"] ?? 0, headers, body: stream }));
    });
  }

  /** New requests go over a new connection; the present one ends with its last request. */
  retire(): void {
    this.#current?.http.close();
    this.#current = undefined;
  }

  close(): void {
    this.#closed = true;
    this.#current?.http.destroy();
    this.#current = undefined;
  }

  #connected() {
    const known = this.#current;
    if (known && !known.http.closed && !known.http.destroyed) return known;
    const { server, ca, credentials } = this.#options;
    const shown = credentials();
    const identity = "token" in shown ? {} : { cert: shown.cert, key: shown.key };
    const settings = { enablePush: false, initialWindowSize: windowBytes };
    const http = connect(server, { ca, ...identity, settings });
    const current = { http, token: "token" in shown ? shown.token : undefined };
    const drop = (): void => {
      if (this.#current === current) this.#current = undefined;
    };
    http.on("connect", () => http.setLocalWindowSize(4 * windowBytes));
    http.on("error", drop); // every request under way is told by its stream
    http.on("goaway", drop);
    http.on("close", drop);
    http.unref();
    this.#current = current;
    this.#watchOver(http);
    return current;
  }

  /** A connection that was cut silently looks idle: while it lives it is asked from time to time. */
  #watchOver(http: ClientHttp2Session): void {
    const { clock } = this.#options;
    let timer: Disposable | undefined;
    const ask = (): void => {
      timer = clock.after(answerMs, () => http.destroy(new Error("the server no longer answers")));
      http.ping((error) => {
        timer?.[Symbol.dispose]();
        if (!error && !http.destroyed) timer = clock.after(silenceMs, ask);
      });
    };
    http.once("connect", () => {
      timer = clock.after(silenceMs, ask);
    });
    http.once("close", () => timer?.[Symbol.dispose]());
  }
}
