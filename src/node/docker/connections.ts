import { Agent, type ClientRequestArgs } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { inspect } from "node:util";

/**
 * The connections to Docker: kept for the next request, and known also while a stream goes through one. Disposing ends them
 * all, so that what is still asked of Docker (a stop takes the whole grace period) keeps no process from ending.
 */
export class DockerConnections extends Agent implements Disposable {
  readonly #open = new Set<Socket>();
  #closed = false;

  constructor() {
    super({ keepAlive: true, scheduling: "lifo", timeout: 5_000 });
  }

  override createConnection(
    options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Socket {
    const socket = connect({ path: options.socketPath ?? "" });
    if (callback) socket.once("connect", () => callback(null, socket));
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    if (this.#closed) this.#end(socket);
    return socket;
  }

  /** docker-modem writes down its options for every request, all that hangs on this object included: seconds for a few pods. */
  [inspect.custom](): string {
    return "DockerConnections";
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const socket of this.#open) this.#end(socket);
    this.destroy();
  }

  #end(socket: Socket): void {
    socket.destroy(new Error("the connection to Docker was closed"));
  }
}
