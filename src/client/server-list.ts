/** The servers of a cluster, of which one is used: the first that answers, until it does not. */
export class ServerList {
  #servers: readonly string[];
  #at = 0;

  /** "https://192.0.2.1:6443", in the order in which they are tried. */
  constructor(servers: readonly [string, ...string[]]) {
    this.#servers = servers;
  }

  get all(): readonly string[] {
    return this.#servers;
  }

  get current(): string {
    return this.#servers[this.#at] ?? "";
  }

  /** The server did not answer: the next one is tried. Said by several at once it counts once. */
  failed(server: string): void {
    if (server === this.current) this.#at = (this.#at + 1) % this.#servers.length;
  }

  /** What the cluster says its servers are. Those known already stay: a list may be wrong, and an address change back. */
  learn(servers: readonly string[]): boolean {
    const added = servers.filter((server) => !this.#servers.includes(server));
    // Bounded: a server whose address changes daily must not make the list grow for ever.
    this.#servers = [...this.#servers, ...added].slice(0, 16);
    return added.length > 0;
  }
}
