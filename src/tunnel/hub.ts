import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import type { Duplex } from "node:stream";
import type { Clock } from "../base/clock.ts";
import { type Log, messageOf } from "../base/log.ts";
import { NoTunnel, type TunnelHub, type TunnelRequest, type TunnelResponse } from "./contract.ts";
import { watchHeartbeat } from "./heartbeat.ts";
import { whenFlushed } from "./when-flushed.ts";
import { windows } from "./windows.ts";

// The agent speaks first when it is quiet (agent.ts); the server asks only when the agent has not.
const quietMs = 13_000;
const answerMs = 3_000;
// An agent dials again within a second or two of a server's start or of a broken connection: whoever wants its node meanwhile waits.
const dialledMs = 5_000;

/** The server's end of all tunnels. */
export function openTunnelHub(surroundings: { clock: Clock; log: Log }): TunnelHub {
  return new Hub(surroundings);
}

class Hub implements TunnelHub {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #sessions = new Map<string, ClientHttp2Session>();
  /** Who waits for a node's next tunnel. */
  readonly #awaited = new Map<string, Set<() => void>>();

  constructor({ clock, log }: { clock: Clock; log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  accept(node: string, connection: Duplex): void {
    whenFlushed(connection, () => this.#begin(node, connection));
  }

  #begin(node: string, connection: Duplex): void {
    // HTTP/2 over a connection that broke meanwhile would seem to be open until its heartbeat is missed.
    if (connection.destroyed) return;
    const session = connect("http://tunnel", { createConnection: () => connection, ...windows });
    session.setLocalWindowSize?.(windows.connectionBytes);
    session.on("error", (error) => this.#log.warn("tunnel broke", { node, error: messageOf(error) }));
    session.on("close", () => {
      if (this.#sessions.get(node) === session) this.#sessions.delete(node);
      connection.destroy();
    });
    watchHeartbeat(session, { clock: this.#clock, quietMs, answerMs });
    // A node that dials again has lost its old tunnel, whether this side noticed or not; what still runs there may end.
    this.#sessions.get(node)?.close();
    this.#sessions.set(node, session);
    for (const heard of this.#awaited.get(node) ?? []) heard();
    this.#log.debug("tunnel open", { node });
  }

  has(node: string): boolean {
    return this.#usable(node) !== undefined;
  }

  async open(node: string, request: TunnelRequest, signal?: AbortSignal): Promise<TunnelResponse> {
    if (!this.has(node)) await this.#dialled(node, signal);
    signal?.throwIfAborted();
    const session = this.#usable(node);
    if (!session) throw new NoTunnel(node);
    const headers = { ...request.headers, ":method": request.method, ":path": request.path };
    const stream = session.request(headers, { endStream: false, ...(signal && { signal }) });
    if (request.body) stream.end(request.body);
    return { ...(await answerOf(stream)), stream };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions.values()) session.destroy();
    this.#sessions.clear();
  }

  /** Resolves when the node has opened a tunnel, when that took too long, and when nobody wants it any more. */
  #dialled(node: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#awaited.get(node) ?? new Set();
      this.#awaited.set(node, waiting);
      const done = () => {
        late[Symbol.dispose]();
        signal?.removeEventListener("abort", done);
        waiting.delete(done);
        if (waiting.size === 0) this.#awaited.delete(node);
        resolve();
      };
      const late = this.#clock.after(dialledMs, done);
      waiting.add(done);
      signal?.addEventListener("abort", done);
      if (signal?.aborted) done();
    });
  }

  #usable(node: string): ClientHttp2Session | undefined {
    const session = this.#sessions.get(node);
    return session && !session.closed && !session.destroyed ? session : undefined;
  }
}

function answerOf(stream: ClientHttp2Stream): Promise<Omit<TunnelResponse, "stream">> {
  return new Promise((resolve, reject) => {
    stream.once("error", reject);
    const fail = () => reject(new Error("the node closed the stream without an answer"));
    stream.once("close", fail);
    stream.once("response", (headers) => {
      stream.off("error", reject);
      stream.off("close", fail);
      // From here on the stream's user listens; without one an error of a stream nobody needs any more is no news.
      stream.on("error", () => {});
      resolve({ status: Number(headers[constants.HTTP2_HEADER_STATUS]), headers: plain(headers) });
    });
  });
}

function plain(headers: IncomingHttpHeaders): Record<string, string> {
  const entries = Object.entries(headers).filter(([name, value]) => !name.startsWith(":") && value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}
