import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import { type Answer, decode, encode } from "dns-packet";
import type { Clock } from "../../base/clock.ts";
import { type Log, messageOf } from "../../base/log.ts";
import { answerQuestion, type ClusterAnswer, type ClusterRecords, soaOf } from "./answer.ts";
import { type Forwarder, framed } from "./forward.ts";
import { encodeAnswer, type Query, queryFrom, rcodes } from "./message.ts";

export interface DnsServerOptions {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly domain: string;
  readonly records: ClusterRecords;
  /** Whether the records are all there; until then questions about the cluster are answered "try again". */
  readonly ready: () => boolean;
  readonly forwarder: Forwarder;
  readonly clock: Clock;
  readonly log: Log;
}

const mostConnections = 256;
const idleConnectionMs = 10_000;
// Aliases that lead to aliases; as many as resolvers follow.
const mostAliases = 8;

/** Answers the pods' questions: the cluster's names from the informers, all others from the node's resolvers. */
export class DnsServer implements AsyncDisposable {
  readonly #options: DnsServerOptions;
  readonly #udp: UdpSocket[] = [];
  readonly #tcp: Server[] = [];
  readonly #connections = new Set<Socket>();
  #port: number;

  private constructor(options: DnsServerOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  /** Listens on each address. Where the port is taken on all addresses of the node, on another: see `port`. */
  static async open(options: DnsServerOptions, attempts = 10): Promise<DnsServer> {
    const server = new DnsServer(options);
    try {
      await server.#listen();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || attempts === 1) throw error;
      // A port that was free for UDP may be in use for TCP, or on another address.
      if (options.port === 0) return DnsServer.open(options, attempts - 1);
      options.log.warn("somebody else has the port of DNS on every address; answering on another, to which it is led", {
        port: options.port,
      });
      return DnsServer.open({ ...options, port: 0 });
    }
    return server;
  }

  /** The port on which it listens. */
  get port(): number {
    return this.#port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await Promise.all([
      ...this.#udp.splice(0).map((socket) => new Promise<void>((closed) => socket.close(() => closed()))),
      ...this.#tcp.splice(0).map((server) => new Promise<void>((closed) => server.close(() => closed()))),
    ]);
  }

  async #listen(): Promise<void> {
    for (const address of this.#options.addresses) {
      await this.#listenUdp(address);
      await this.#listenTcp(address);
    }
  }

  async #listenUdp(address: string): Promise<void> {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    await new Promise<void>((listening, failed) => {
      socket.once("error", (error) => {
        socket.close();
        failed(error);
      });
      socket.bind(this.#port, address, () => {
        socket.removeAllListeners("error");
        listening();
      });
    });
    this.#port = socket.address().port;
    this.#udp.push(socket);
    // Errors of single answers (an asker that went away) concern nobody else.
    socket.on("error", (error) => this.#options.log.debug("a DNS answer could not be sent", { error }));
    socket.on("message", async (message, { address: to, port }) => {
      const answer = await this.#answer(message, "udp");
      if (answer && this.#udp.includes(socket)) socket.send(answer, port, to, () => {});
    });
  }

  async #listenTcp(address: string): Promise<void> {
    const server = createServer((connection) => this.#serveConnection(connection));
    server.maxConnections = mostConnections;
    await new Promise<void>((listening, failed) => {
      server.once("error", failed);
      server.listen(this.#port, address, () => {
        server.removeListener("error", failed);
        listening();
      });
    });
    this.#tcp.push(server);
    server.on("error", (error) => this.#options.log.debug("a DNS connection failed", { error }));
  }

  #serveConnection(connection: Socket): void {
    this.#connections.add(connection);
    connection.on("close", () => this.#connections.delete(connection));
    connection.on("error", () => connection.destroy());
    connection.setTimeout(idleConnectionMs, () => connection.destroy());
    let received: Buffer = Buffer.alloc(0);
    connection.on("data", async (bytes) => {
      received = Buffer.concat([received, bytes]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const message = received.subarray(2, 2 + received.readUInt16BE(0));
        received = received.subarray(2 + message.length);
        // One question at a time: who sends more waits.
        connection.pause();
        const answer = await this.#answer(message, "tcp");
        connection.resume();
        if (answer && connection.writable) connection.write(framed(answer));
      }
    });
  }

  async #answer(message: Buffer, transport: "udp" | "tcp"): Promise<Buffer | undefined> {
    const query = queryFrom(message, transport);
    if (!query) return undefined;
    try {
      return await this.#answerQuery(query, transport);
    } catch (error) {
      this.#options.log.debug("a DNS question was not answered", { error: messageOf(error) });
      return failure(query);
    }
  }

  async #answerQuery(query: Query, transport: "udp" | "tcp"): Promise<Buffer> {
    const { domain, records, ready, forwarder } = this.#options;
    const [question] = query.packet.questions ?? [];
    if (query.opcode !== 0) return encodeAnswer(query, { rcode: "NOTIMP" });
    if (!question || query.packet.questions?.length !== 1) return encodeAnswer(query, { rcode: "FORMERR" });
    if (question.class !== "IN") return encodeAnswer(query, { rcode: "REFUSED" });
    const answer = answerQuestion(question, records, domain);
    if (!answer) return await forwarder.ask(query.raw, transport);
    if (!ready()) return encodeAnswer(query, { rcode: "SERVFAIL" });
    const answers = [...turned(answer.answers, query.packet.id ?? 0), ...(await this.#follow(answer, question.type))];
    const says = answers.length === 0;
    return encodeAnswer(query, {
      rcode: answer.rcode,
      authoritative: true,
      answers,
      additionals: answer.additionals,
      authorities: says ? [soaOf(domain, Math.floor(this.#options.clock.now() / 1_000))] : [],
    });
  }

  /** The records at the end of an alias, whether it leads back into the cluster or out of it. */
  async #follow({ alias }: ClusterAnswer, type: string): Promise<Answer[]> {
    const { records, domain, forwarder } = this.#options;
    const followed: Answer[] = [];
    if (type !== "A" && type !== "AAAA") return followed;
    for (let name = alias, step = 0; name && step < mostAliases; step++) {
      const question = { type, name, class: "IN" } as const;
      const inside = answerQuestion(question, records, domain);
      if (!inside) {
        // Recursion desired.
        const query = encode({ type: "query", id: 0, flags: 1 << 8, questions: [question] });
        const outside = decode(await forwarder.ask(query, "udp"));
        return [...followed, ...(outside.answers ?? [])];
      }
      followed.push(...inside.answers);
      name = inside.alias;
    }
    return followed;
  }
}

/** "Try again", made from the question's own bytes: it works for names that cannot be written again. */
function failure({ raw }: Query): Buffer {
  const answer = Buffer.from(raw);
  answer.writeUInt8(answer.readUInt8(2) | 0x80, 2);
  answer.writeUInt8(0x80 | rcodes.SERVFAIL, 3);
  return answer;
}

/** Answers in turns, so that clients which take the first address spread over all. */
function turned(answers: readonly Answer[], turn: number): Answer[] {
  const start = answers.length > 0 ? turn % answers.length : 0;
  return [...answers.slice(start), ...answers.slice(0, start)];
}
