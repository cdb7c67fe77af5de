// Bounded: a server whose address changes daily must not make the list grow for ever.
const mostServers = 16;

/** The servers of a cluster, of which one is used: the first that answers, until it does not. */
export class ServerList {
  #given: readonly string[];
  #learned: readonly string[] = [];
  #at = 0;

  /** "https://192.0.2.1:6443", in the order in which they are tried. */
  constructor(given: readonly [string, ...string[]]) {
    this.#given = given;
  }

  get all(): readonly string[] {
    return [...new Set([...this.#given, ...this.#learned])].slice(0, mostServers);
  }

  get current(): string {
    return this.all[this.#at] ?? "";
  }

  /** The server did not answer: the next one is tried. Said by several at once it counts once. */
  failed(server: string): void {
    if (server === this.current) this.#at = (this.#at + 1) % this.all.length;
  }

  /** What the cluster says its servers are. Those known already stay: a list may be wrong, and an address change back. */
  learn(servers: readonly string[]): boolean {
    const { all, current } = this;
    const added = servers.filter((server) => !all.includes(server));
    this.#learned = [...new Set([...this.#learned, ...servers])].slice(0, mostServers);
    this.#at = Math.max(0, this.all.indexOf(current));
    return added.length > 0;
  }

  /** The user names another server: it is used from now on. What was named before goes, unless the cluster names it too. */
  replaceGiven(server: string): boolean {
    if (this.#given.join() === server) return false;
    this.#given = [server];
    this.#at = 0;
    return true;
  }
}
