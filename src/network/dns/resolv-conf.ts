import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";

/** The name servers of a resolv.conf, in its order (resolv.conf(5)). */
export function nameserversFrom(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [keyword, address = ""] = line.trim().split(/\s+/);
    const [ip = ""] = address.split("%");
    return keyword === "nameserver" && isIP(ip) ? [address] : [];
  });
}

/**
 * The node's own resolvers. The file is looked at when somebody asks, not more than once a second: an idle node reads
 * nothing, a changed file counts at once.
 */
export class NodeResolvers {
  readonly #path: string;
  readonly #without: ReadonlySet<string>;
  readonly #now: () => number;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #version = "";
  #servers: readonly string[] = [];

  /** `without`: the cluster's DNS itself, which asking would be a loop. */
  constructor({ path, without, now }: { path: string; without: readonly string[]; now: () => number }) {
    this.#path = path;
    this.#without = new Set(without);
    this.#now = now;
  }

  get servers(): readonly string[] {
    if (this.#now() - this.#lookedMs >= 1_000) this.#look();
    return this.#servers;
  }

  #look(): void {
    this.#lookedMs = this.#now();
    try {
      const { mtimeMs, ino, size } = statSync(this.#path);
      const version = `${mtimeMs} ${ino} ${size}`;
      if (version === this.#version) return;
      this.#servers = nameserversFrom(readFileSync(this.#path, "utf8")).filter((ip) => !this.#without.has(ip));
      this.#version = version;
    } catch {
      this.#servers = [];
      this.#version = "";
    }
  }
}
