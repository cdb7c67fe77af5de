import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { Backoff } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { type Log, messageOf } from "../base/log.ts";
import type { Tunnel, TunnelRequest } from "./contract.ts";
import { watchHeartbeat } from "./heartbeat.ts";
import { whenFlushed } from "./when-flushed.ts";
import { windows } from "./windows.ts";

const quietMs = 10_000;
const answerMs = 4_000;
// A connection that held for this long was a good one: the next attempt after it comes soon.
const settledMs = 30_000;

export interface TunnelOptions {
  /** Opens a connection to the server on which the tunnel may begin at once. */
  readonly dial: (signal: AbortSignal) => Promise<Duplex>;
  /** Answers a request of the server's. A rejection before `reply.respond` is answered with 500 and the error's message. */
  readonly answer: (request: TunnelRequest, reply: TunnelReply) => void | Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the agent has to answer a request with. */
export interface TunnelReply {
  /** Both directions: what the server sends can be read at once, what is written is sent behind the answer's head. */
  readonly stream: Duplex;
  /** Aborted when the server does not want the answer any more, and when the tunnel breaks. */
  readonly signal: AbortSignal;
  /** Sends the answer's head. Once. */
  respond(status: number, headers?: Readonly<Record<string, string>>): void;
}

/** The agent's end: keeps a tunnel open until it is disposed of. */
export function openTunnel(options: TunnelOptions): Tunnel {
  const stop = new AbortController();
  const connected = Promise.withResolvers<void>();
  // Whoever does not wait for the first connection need not handle that there was none.
  connected.promise.catch(() => {});
  const ended = keepOpen(options, stop.signal, connected.resolve);
  return {
    connected: connected.promise,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
      connected.reject(new Error("the tunnel was closed before it was open"));
    },
  };
}

async function keepOpen(options: TunnelOptions, stop: AbortSignal, onOpen: () => void): Promise<void> {
  const { dial, clock, log } = options;
  const backoff = new Backoff({ firstMs: 250, maxMs: 1_000, jitter: 1 }, clock);
  while (!stop.aborted) {
    let openedMs: number | undefined;
    try {
      const connection = await dial(stop);
      openedMs = clock.elapsed();
      onOpen();
      log.debug("tunnel open");
      await serve(connection, options, stop);
      log.info("tunnel closed, dialling again");
    } catch (error) {
      if (!stop.aborted) log.warn("tunnel broke, dialling again", { error: messageOf(error) });
    }
    if (openedMs !== undefined && clock.elapsed() - openedMs > settledMs) backoff.reset();
    await backoff.wait(stop);
  }
}

/** Answers requests on a connection until it ends. */
async function serve(connection: Duplex, { answer, clock, log }: TunnelOptions, stop: AbortSignal): Promise<void> {
  await new Promise<void>((flushed, broken) => {
    connection.once("close", () => broken(new Error("the connection was closed")));
    whenFlushed(connection, flushed);
  });
  const session = performServerHandshake(connection, windows);
  session.setLocalWindowSize(windows.connectionBytes);
  watchHeartbeat(session, { clock, quietMs, answerMs });
  session.on("stream", (stream, headers) => {
    const { ":method": method = "GET", ":path": path = "/", ...rest } = headers;
    const named = Object.entries(rest).filter(([name]) => !name.startsWith(":"));
    const request = { method, path, headers: Object.fromEntries(named.map(([name, value]) => [name, String(value)])) };
    void answerOne(request, stream, { answer, log });
  });
  const abort = () => session.destroy();
  stop.addEventListener("abort", abort);
  if (stop.aborted) abort();
  try {
    await ending(session);
  } finally {
    stop.removeEventListener("abort", abort);
    connection.destroy();
  }
}

function ending(session: ServerHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    session.once("error", reject);
    session.once("close", resolve);
  });
}

async function answerOne(
  request: TunnelRequest,
  stream: ServerHttp2Stream,
  { answer, log }: Pick<TunnelOptions, "answer" | "log">,
): Promise<void> {
  const gone = new AbortController();
  stream.once("close", () => gone.abort());
  // A reset of the stream reaches whoever answers through the signal and the stream's end.
  stream.on("error", (error) => log.debug("tunnel stream broke", { path: request.path, error: messageOf(error) }));
  const respond: TunnelReply["respond"] = (status, headers = {}) => {
    if (!stream.closed && !stream.destroyed) stream.respond({ ":status": status, ...headers });
  };
  try {
    await answer(request, { stream, signal: gone.signal, respond });
  } catch (error) {
    if (stream.destroyed) return;
    if (stream.headersSent) {
      stream.destroy(error instanceof Error ? error : new Error(messageOf(error)));
    } else {
      respond(500, { "content-type": "text/plain" });
      stream.end(messageOf(error));
    }
  }
}
