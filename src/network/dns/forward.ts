import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { createConnection } from "node:net";
import { decode } from "dns-packet";
import type { Clock } from "../../base/clock.ts";
import { rcodes } from "./message.ts";

/** No resolver of the node answered. */
export class NoResolverAnswered extends Error {
  override readonly name = "NoResolverAnswered";
}

export interface ForwarderOptions {
  /** The addresses of the resolvers, the preferred one first. */
  readonly servers: () => readonly string[];
  readonly clock: Clock;
  /** Another port than 53, for tests. */
  readonly port?: number;
}

// A resolver gets this long; then the next one is asked.
const patienceMs = 2_000;
const mostPending = 1_000;
const mostCached = 1_000;
const longestCachedMs = 30_000;

interface Cached {
  readonly answer: Buffer;
  readonly untilMs: number;
}

/**
 * Passes questions on to the node's resolvers as they are and answers with what comes back, byte for byte. Equal
 * questions at the same time are asked once: a resolver that sends them back to us thus waits for itself and gives up
 * instead of going round for ever.
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #pending = new Map<string, Promise<Buffer>>();
  readonly #cache = new Map<string, Cached>();
  /** The resolver that answered last. */
  #preferred: string | undefined;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** The answer to a question, with the question's own id and spelling. @throws {NoResolverAnswered} */
  async ask(query: Buffer, transport: "udp" | "tcp"): Promise<Buffer> {
    const key = keyFrom(query, transport);
    const cached = this.#cache.get(key);
    if (cached && cached.untilMs > this.#options.clock.elapsed()) return answerTo(query, cached.answer);
    this.#cache.delete(key);
    let pending = this.#pending.get(key);
    if (!pending) {
      if (this.#pending.size >= mostPending) throw new NoResolverAnswered("too many questions wait for an answer");
      pending = this.#askServers(query, transport).finally(() => this.#pending.delete(key));
      this.#pending.set(key, pending);
      // Those who asked are told of an error below; there is only nothing to keep.
      pending.then((answer) => this.#keep(key, answer)).catch(() => {});
    }
    return answerTo(query, await pending);
  }

  async #askServers(query: Buffer, transport: "udp" | "tcp"): Promise<Buffer> {
    const servers = [...this.#options.servers()].sort(
      (a, b) => Number(b === this.#preferred) - Number(a === this.#preferred),
    );
    let last: unknown = new Error("the node has no resolver");
    for (const server of servers) {
      try {
        const answer = await this.#askServer(server, query, transport);
        this.#preferred = server;
        return answer;
      } catch (error) {
        last = error;
      }
    }
    throw new NoResolverAnswered("no resolver of the node answered", { cause: last });
  }

  async #askServer(server: string, query: Buffer, transport: "udp" | "tcp"): Promise<Buffer> {
    // An id of our own: an answer must know it, not only the port.
    const own = Buffer.from(query);
    own.writeUInt16BE(randomInt(0x10000), 0);
    const port = this.#options.port ?? 53;
    const ask = transport === "udp" ? askByUdp : askByTcp;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    using _timeout = this.#options.clock.after(patienceMs, () => reject(new Error(`${server} did not answer`)));
    using _question = ask({ server, port, query: own, resolve, reject });
    return await promise;
  }

  #keep(key: string, answer: Buffer): void {
    const seconds = secondsToKeep(answer);
    if (seconds <= 0) return;
    if (this.#cache.size >= mostCached) this.#cache.delete(this.#cache.keys().next().value ?? "");
    const keepMs = Math.min(seconds * 1_000, longestCachedMs);
    this.#cache.set(key, { answer, untilMs: this.#options.clock.elapsed() + keepMs });
  }
}

interface Asking {
  readonly server: string;
  readonly port: number;
  readonly query: Buffer;
  readonly resolve: (answer: Buffer) => void;
  readonly reject: (error: Error) => void;
}

function askByUdp({ server, port, query, resolve, reject }: Asking): Disposable {
  const socket = createSocket(server.includes(":") ? "udp6" : "udp4");
  socket.on("error", reject);
  socket.on("message", (answer) => {
    if (answers(query, answer)) resolve(answer);
  });
  let open = true;
  // A connected socket takes answers from this server only, and hears when nobody listens there. The callback is told
  // when there is no way to the server.
  const connected = (error?: Error): void => {
    if (error) reject(error);
    else if (open) socket.send(query);
  };
  socket.connect(port, server, connected);
  return {
    [Symbol.dispose]: () => {
      open = false;
      socket.close();
    },
  };
}

function askByTcp({ server, port, query, resolve, reject }: Asking): Disposable {
  const socket = createConnection(port, server, () => socket.write(framed(query)));
  let received: Buffer = Buffer.alloc(0);
  socket.on("error", reject);
  socket.on("end", () => reject(new Error(`${server} closed the connection`)));
  socket.on("data", (bytes) => {
    received = Buffer.concat([received, bytes]);
    if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
    const answer = received.subarray(2, 2 + received.readUInt16BE(0));
    if (answers(query, answer)) resolve(answer);
    else reject(new Error(`${server} answered something else`));
  });
  return { [Symbol.dispose]: () => void socket.destroy() };
}

/** A message with its length in front, as it travels over TCP (RFC 1035, 4.2.2). */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function answers(query: Buffer, answer: Buffer): boolean {
  return answer.length >= 12 && answer.readUInt16BE(0) === query.readUInt16BE(0) && (answer.readUInt8(2) & 0x80) !== 0;
}

/** Questions that may share an answer: all but the id, letters of both cases alike. */
function keyFrom(query: Buffer, transport: string): string {
  const end = endOfName(query);
  const name = query.subarray(12, end).toString("latin1").toLowerCase();
  return `${transport} ${query.subarray(2, 12).toString("latin1")} ${name} ${query.subarray(end).toString("latin1")}`;
}

/** Somebody else's answer to the same question, with this question's id and spelling. */
function answerTo(query: Buffer, answer: Buffer): Buffer {
  const own = Buffer.from(answer);
  own.writeUInt16BE(query.readUInt16BE(0), 0);
  const end = endOfName(query);
  if (own.length >= end && own.readUInt16BE(4) > 0) query.copy(own, 12, 12, end);
  return own;
}

/** Where the first question's name ends in a message. */
function endOfName(message: Buffer): number {
  let at = 12;
  while (at < message.length && message.readUInt8(at) !== 0) at += 1 + message.readUInt8(at);
  return Math.min(at + 1, message.length);
}

/** How long an answer may be kept: as its shortest-lived record, or its SOA when it says no (RFC 2308). */
function secondsToKeep(answer: Buffer): number {
  try {
    const packet = decode(answer);
    const truncated = (answer.readUInt8(2) & 0x02) !== 0;
    const rcode = answer.readUInt8(3) & 0x0f;
    if (truncated || (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN)) return 0;
    const records = [...(packet.answers ?? []), ...(packet.authorities ?? [])];
    const lives = records.flatMap((record) => {
      if (record.type === "SOA") return Math.min(record.ttl ?? 0, record.data.minimum ?? 0);
      return "ttl" in record ? (record.ttl ?? 0) : [];
    });
    return lives.length > 0 ? Math.min(...lives) : 0;
  } catch {
    return 0;
  }
}
