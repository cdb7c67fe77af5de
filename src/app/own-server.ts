import { Backoff } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { CannotStart, CannotStartYet } from "../base/lifecycle.ts";
import { type Log, messageOf } from "../base/log.ts";
import type { Transport } from "../client/transport.ts";
import type { PartUser } from "./part-users.ts";
import type { ServerPart } from "./server-part.ts";

export interface OwnServerOptions {
  readonly open: () => Promise<ServerPart>;
  /** Whether this device can live without its server for a while: its node remembers the cluster. */
  readonly canWait: () => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
}

const retry = { firstMs: 1_000, maxMs: 60_000 };

/**
 * The server of this process as its own node sees it: there, or not there yet, as a distant one may be. What keeps it from
 * starting (a full or missing disk, a damaged database, a port that is taken) is no reason not to look after the node's pods.
 */
export class OwnServer implements AsyncDisposable {
  readonly #options: OwnServerOptions;
  readonly #stop = new AbortController();
  #part: ServerPart | undefined;
  #trying: Promise<void> = Promise.resolve();

  private constructor(options: OwnServerOptions) {
    this.#options = options;
  }

  /** Resolves when the server answers, or when it is known that it cannot for now: then it is tried again. */
  static async open(options: OwnServerOptions): Promise<OwnServer> {
    const server = new OwnServer(options);
    try {
      server.#part = await options.open();
    } catch (error) {
      if (!mayHeal(error) || !(await options.canWait())) throw error;
      server.#trying = server.#keepTrying(messageOf(error));
    }
    return server;
  }

  get part(): ServerPart | undefined {
    return this.#part;
  }

  /** @throws {Error} while there is none */
  get current(): ServerPart {
    if (!this.#part) throw new Error("the API of this device does not answer yet");
    return this.#part;
  }

  transportFor(user: PartUser): Transport {
    let made: { part: ServerPart; transport: Transport } | undefined;
    const transport = (): Transport => {
      const part = this.current;
      if (made?.part !== part) made = { part, transport: part.api.transportFor(user) };
      return made.transport;
    };
    return {
      request: async (request, signal) => transport().request(request, signal),
      async *watch(request, signal) {
        yield* transport().watch(request, signal);
      },
      discover: async (group, version, signal) => transport().discover(group, version, signal),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#trying;
    await this.#part?.[Symbol.asyncDispose]();
  }

  async #keepTrying(reason: string): Promise<void> {
    const { clock, log, open } = this.#options;
    const tell = (error: string) =>
      log.error("the server cannot start yet; its node goes on with what it remembers", { error });
    const backoff = new Backoff(retry, clock);
    tell(reason);
    for (let told = reason; ; ) {
      await backoff.wait(this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        this.#part = await open();
        return log.info("the server has started after all");
      } catch (error) {
        if (messageOf(error) !== told) tell(messageOf(error));
        told = messageOf(error);
      }
    }
  }
}

/** Not what only another configuration or another version of skiff can change. */
const mayHeal = (error: unknown): boolean => !(error instanceof CannotStart) || error instanceof CannotStartYet;
