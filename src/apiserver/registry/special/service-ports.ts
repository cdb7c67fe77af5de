import { randomInt } from "node:crypto";
import { internalError } from "../../../api/status.ts";

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** The least and the most ports at the beginning of the range that are left to those who choose theirs (KEP-3668). */
const statics = { least: 16, most: 128, share: 32 };
const tries = 200;

/** Ports of all nodes. A number belongs to one Service, which may use it for several protocols. */
export class ServicePorts {
  readonly #range: PortRange;
  /** The ports that stored Services have. */
  readonly #used: () => ReadonlySet<number>;
  /** Taken by writes that are under way. */
  readonly #reserved = new Set<number>();

  constructor(range: PortRange, used: () => ReadonlySet<number>) {
    this.#range = range;
    this.#used = used;
  }

  /** Why the port cannot be had; undefined when it can. */
  refusalOf(port: number): string | undefined {
    const { from, to } = this.#range;
    if (port < from || port > to)
      return `provided port is not in the valid range. The range of valid ports is ${from}-${to}`;
    return this.#reserved.has(port) || this.#used().has(port) ? "provided port is already allocated" : undefined;
  }

  /** Any that is free, rather not one of those that are left to be chosen. */
  free(): number {
    const { from, to } = this.#range;
    const used = this.#used();
    const isFree = (port: number): boolean => !used.has(port) && !this.#reserved.has(port);
    const size = to - from + 1;
    const left =
      size < statics.least ? 0 : Math.min(Math.max(Math.floor(size / statics.share), statics.least), statics.most);
    const begin = Math.min(from + left, to);
    for (let i = 0; i < tries; i++) {
      const port = randomInt(begin, to + 1);
      if (isFree(port)) return port;
    }
    for (let port = begin; port <= to; port++) if (isFree(port)) return port;
    for (let port = from; port < begin; port++) if (isFree(port)) return port;
    throw internalError("failed to allocate a nodePort: range is full");
  }

  reserve(port: number): void {
    this.#reserved.add(port);
  }

  release(port: number): void {
    this.#reserved.delete(port);
  }
}
