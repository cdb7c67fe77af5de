import { machineAddress } from "./addresses.ts";

export interface NodeAddressesOptions {
  /** What the user gave: it stays. Empty: the machine's address is found, and looked for again when it may be another. */
  readonly given: readonly string[];
  /** Told first when the machine has other addresses: the ways to the server are other ones. */
  readonly moved?: ((ips: readonly string[]) => Promise<void>) | undefined;
  readonly find?: () => string;
}

/** The addresses at which other nodes reach this one, as they now are. */
export class NodeAddresses {
  readonly #options: NodeAddressesOptions;
  readonly #find: () => string;
  #current: readonly string[];
  #follow: (ips: readonly string[]) => void = () => {};

  constructor(options: NodeAddressesOptions) {
    this.#options = options;
    this.#find = options.find ?? machineAddress;
    this.#current = options.given.length > 0 ? options.given : [this.#find()];
  }

  get current(): readonly string[] {
    return this.#current;
  }

  /** Something of the machine's addresses may have become another. */
  async look(): Promise<void> {
    if (this.#options.given.length > 0) return;
    const found = this.#find();
    // A machine without any address for a moment has not moved.
    if (found === this.#current[0] || isLoopback(found)) return;
    this.#current = [found];
    await this.#options.moved?.(this.#current);
    this.#follow(this.#current);
  }

  /** Calls `take` with what they are now, and each time that they are others: they may have changed while a node began. */
  follow(take: (ips: readonly string[]) => void): void {
    this.#follow = take;
    take(this.#current);
  }
}

const isLoopback = (address: string): boolean => address.startsWith("127.");
