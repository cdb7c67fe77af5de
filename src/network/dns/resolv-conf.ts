import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import type { Clock } from "../../base/clock.ts";

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
  readonly #clock: Clock;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #version = "";
  #servers: readonly string[] = [];

  /** `without`: the cluster's DNS itself, which asking would be a loop. */
  constructor({ path, without, clock }: { path: string; without: readonly string[]; clock: Clock }) {
    this.#path = path;
    this.#without = new Set(without);
    this.#clock = clock;
  }

  get servers(): readonly string[] {
    if (this.#clock.elapsed() - this.#lookedMs >= 1_000) this.#look();
    return this.#servers;
  }

  #look(): void {
    this.#lookedMs = this.#clock.elapsed();
    try {
      const { mtimeMs, ino, size } = statSync(this.#path);
      const version = `${mtimeMs} ${ino} ${size}`;
      if (version === this.#version) return;
      this.#servers = nameserversFrom(readFileSync(this.#path, "utf8")).filter((ip) => !this.#without.has(ip));
      this.#version = version;
    } catch {
      // No file, no resolver: whoever asks is told that there is none.
      this.#servers = [];
      this.#version = "";
    }
  }
}
