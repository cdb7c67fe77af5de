import { randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";

/** UDP, on the node's addresses among pods only: beside the port of vxlan, which the kernel has. */
const echoPort = 8473;
const silenceMs = 1_000;
/** The first asks to be asked as well: what changed here may concern both directions. */
const questions = { both: Buffer.from("skiff?"), one: Buffer.from("skiff-") } as const;
const sortBytes = questions.both.length;
const answer = Buffer.from("skiff!");
const nonceBytes = 8;
// IP's and UDP's own headers.
const headerBytes = { udp4: 28, udp6: 48 } as const;

/** Whose packets a question is about: those of both nodes, or of the one that asks. */
export type Asked = "both" | "one";

/** Asks other nodes by the way that pods' packets take, and answers when they ask. */
export class Echo implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #log: Log;
  /** Told of each question that arrives. */
  readonly #heard: (from: string, asks: Asked) => void;
  readonly #sockets = new Map<string, Socket>();
  readonly #waiting = new Map<string, () => void>();

  constructor(options: { clock: Clock; log: Log; heard: (from: string, asks: Asked) => void }) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#heard = options.heard;
  }

  /** Listens on these addresses, and no longer on others. */
  async listenOn(addresses: readonly string[]): Promise<void> {
    for (const [address, socket] of this.#sockets) {
      if (addresses.includes(address)) continue;
      socket.close();
      this.#sockets.delete(address);
    }
    for (const address of addresses) if (!this.#sockets.has(address)) await this.#listen(address);
  }

  /**
   * Whether the other node answers within a second; undefined where this node has no address to ask from. `packetBytes`: the
   * length of the question, IP's header included; the answer is short.
   */
  ask(address: string, sort: Asked, packetBytes = 0): Promise<boolean | undefined> {
    const type = address.includes(":") ? "udp6" : "udp4";
    const socket = [...this.#sockets].find(([own]) => own.includes(":") === address.includes(":"))?.[1];
    if (!socket) return Promise.resolve(undefined);
    const nonce = randomBytes(nonceBytes);
    const padding = Buffer.alloc(Math.max(0, packetBytes - headerBytes[type] - sortBytes - nonceBytes));
    return new Promise((resolve) => {
      const key = nonce.toString("hex");
      const done = (answered: boolean) => {
        timer[Symbol.dispose]();
        this.#waiting.delete(key);
        resolve(answered);
      };
      const timer = this.#clock.after(silenceMs, () => done(false));
      this.#waiting.set(key, () => done(true));
      // What cannot be sent is not answered either.
      socket.send([questions[sort], nonce, padding], echoPort, address, () => {});
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listenOn([]);
  }

  async #listen(address: string): Promise<void> {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    try {
      await new Promise<void>((listening, failed) => {
        socket.once("error", failed);
        socket.bind(echoPort, address, listening);
      });
    } catch (error) {
      socket.close();
      return this.#log.warn("other nodes cannot ask this one whether their packets arrive", { address, error });
    }
    socket.removeAllListeners("error");
    socket.on("error", (error) => this.#log.debug("a question to another node could not be sent", { error }));
    socket.on("message", (message, from) => this.#read(socket, message, from));
    socket.unref();
    this.#sockets.set(address, socket);
  }

  #read(socket: Socket, message: Buffer, from: { address: string; port: number }): void {
    const sort = message.subarray(0, sortBytes);
    const nonce = message.subarray(sortBytes, sortBytes + nonceBytes);
    if (nonce.length < nonceBytes) return;
    if (sort.equals(answer)) this.#waiting.get(nonce.toString("hex"))?.();
    const asks = sort.equals(questions.both) ? "both" : sort.equals(questions.one) ? "one" : undefined;
    if (!asks) return;
    socket.send([answer, nonce], from.port, from.address, () => {});
    this.#heard(from.address, asks);
  }
}
