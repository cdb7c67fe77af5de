import { join } from "node:path";
import type { Changing } from "../base/changing.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { watchDirectory } from "../base/watch-directory.ts";
import { type CredentialOptions, openCredentials, type ServerCredentials } from "./credentials.ts";
import { lookEveryMs } from "./leaf-life.ts";

export interface KeepOptions extends Omit<CredentialOptions, "nowMs"> {
  readonly clock: Clock;
  readonly log: Log;
}

/** Whoever puts certificates in place writes several files. */
const quietMs = 200;
/** What could not be written because a disk is full is tried again. */
const againMs = 60_000;

/**
 * The credentials of a server that runs: looked at twice a day (more often when they live for days only), and whenever their files change, and made anew long before they
 * end. Who uses them asks for `current` each time, or is told.
 */
export class KeptCredentials implements AsyncDisposable, Changing<ServerCredentials> {
  #options: KeepOptions;
  #current: ServerCredentials;
  #changed: (now: ServerCredentials) => Promise<void> = async () => {};
  /** What `changed` has carried out. */
  #carriedOut: ServerCredentials;
  readonly #listeners = new Set<() => void>();
  #timer: Disposable | undefined;
  #again: Disposable | undefined;
  #watching: Disposable | undefined;
  #looking: Promise<void> = Promise.resolve();

  private constructor(options: KeepOptions, current: ServerCredentials) {
    this.#options = options;
    this.#current = current;
    this.#carriedOut = current;
  }

  static async open(options: KeepOptions): Promise<KeptCredentials> {
    return new KeptCredentials(options, await openCredentials({ ...options, nowMs: options.clock.now() }));
  }

  /** Clients reach the API under these names and addresses from now on. */
  useSans(sans: readonly string[]): void {
    this.#options = { ...this.#options, sans };
    this.#look();
  }

  get current(): ServerCredentials {
    return this.#current;
  }

  onChange(run: () => void): Disposable {
    const own = () => run();
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  /** From now on they are kept fresh; `changed` is called when one of them is another. */
  keepFresh(changed: (now: ServerCredentials) => Promise<void>): void {
    this.#changed = changed;
    const { directory, clock, log } = this.#options;
    this.#watching = watchDirectory({ directory: join(directory, "tls"), quietMs, clock, log }, () => this.#look());
    this.#lookLater();
  }

  #lookLater(): void {
    const { clock, leafLifetimeMs } = this.#options;
    this.#timer = clock.after(lookEveryMs(leafLifetimeMs), () => {
      this.#look();
      this.#lookLater();
    });
  }

  #look(): void {
    this.#looking = this.#looking
      .then(() => this.#renew())
      .catch((error: unknown) => {
        const { clock, log } = this.#options;
        log.error("the certificates could not be renewed, or not everything that holds them; trying again", { error });
        this.#again?.[Symbol.dispose]();
        this.#again = clock.after(againMs, () => this.#look());
      });
  }

  async #renew(): Promise<void> {
    const next = await openCredentials({ ...this.#options, nowMs: this.#options.clock.now() });
    if (JSON.stringify(next) !== JSON.stringify(this.#current)) {
      this.#current = next;
      for (const listener of this.#listeners) listener();
      this.#options.log.info("certificates were renewed and are in use");
    }
    if (this.#carriedOut === this.#current) return;
    await this.#changed(this.#current);
    this.#carriedOut = this.#current;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#watching?.[Symbol.dispose]();
    await this.#looking;
    this.#again?.[Symbol.dispose]();
  }
}
