import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Node } from "../../api/schema/types.ts";
import { writeWhole } from "../../base/files.ts";
import { parseCidr } from "../../base/ip.ts";
import type { Log } from "../../base/log.ts";
import { nodeAddressIn } from "./allocate.ts";

/** The addresses that the cluster gave this node for its pods. */
export interface KnownRange {
  /** One a family, the primary one first. */
  readonly cidrs: readonly string[];
  /** The node's own address in each. */
  readonly nodeIps: readonly string[];
}

/**
 * The range of this node, as its Node object says it. It is kept in a file, because a node that boots while no server can
 * be reached must wire its pods as well.
 */
export class NodeRange {
  readonly #file: string;
  readonly #log: Log;
  #known: KnownRange | undefined;
  #learning: Promise<void> = Promise.resolve();
  readonly #waiting = new Set<(range: KnownRange) => void>();

  constructor({ stateDirectory, log }: { stateDirectory: string; log: Log }) {
    this.#file = join(stateDirectory, "pod-cidrs.json");
    this.#log = log;
    this.#known = this.#read();
  }

  get current(): KnownRange | undefined {
    return this.#known;
  }

  /** Resolves as soon as there is a range. */
  async known(signal: AbortSignal): Promise<KnownRange> {
    if (this.#known) return this.#known;
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const aborted = () => {
        this.#waiting.delete(found);
        reject(signal.reason);
      };
      const found = (range: KnownRange) => {
        signal.removeEventListener("abort", aborted);
        resolve(range);
      };
      this.#waiting.add(found);
      signal.addEventListener("abort", aborted, { once: true });
    });
  }

  /**
   * Takes over what the Node object says. A new range is given out when `prepare` has been through with it. One object
   * after the other, however soon they come.
   */
  learn(node: Node, prepare: (range: KnownRange) => Promise<void>): Promise<void> {
    // Who asked for the one before was told of its error; this one stands on its own.
    this.#learning = this.#learning.catch(() => {}).then(() => this.#learnNext(node, prepare));
    return this.#learning;
  }

  async #learnNext({ spec }: Node, prepare: (range: KnownRange) => Promise<void>): Promise<void> {
    const cidrs = spec.podCIDRs?.length ? spec.podCIDRs : spec.podCIDR ? [spec.podCIDR] : [];
    if (cidrs.length === 0 || cidrs.join() === this.#known?.cidrs.join()) return;
    const range = rangeFrom(cidrs);
    if (!range) return this.#log.error("the node's pod range is no network", { podCIDRs: cidrs.join() });
    await this.#write(cidrs);
    await prepare(range);
    this.#known = range;
    this.#log.info("the node has its pod range", { podCIDRs: cidrs.join() });
    for (const found of this.#waiting) found(range);
    this.#waiting.clear();
  }

  #read(): KnownRange | undefined {
    let text: string;
    try {
      text = readFileSync(this.#file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.#cannotRead(error);
      return undefined;
    }
    try {
      const cidrs: unknown = JSON.parse(text);
      if (Array.isArray(cidrs) && cidrs.every((cidr) => typeof cidr === "string")) return rangeFrom(cidrs);
      this.#cannotRead(new Error("it holds no list of networks"));
    } catch (error) {
      this.#cannotRead(error);
    }
    return undefined;
  }

  #cannotRead(error: unknown): void {
    this.#log.warn("the file with the node's pod range cannot be read; waiting for the API", {
      file: this.#file,
      error,
    });
  }

  async #write(cidrs: readonly string[]): Promise<void> {
    try {
      await writeWhole(this.#file, JSON.stringify(cidrs));
    } catch (error) {
      this.#log.warn("the node's pod range could not be kept on disk", { file: this.#file, error });
    }
  }
}

function rangeFrom(cidrs: readonly string[]): KnownRange | undefined {
  const parsed = cidrs.map(parseCidr);
  if (parsed.length === 0 || parsed.includes(undefined)) return undefined;
  return { cidrs, nodeIps: parsed.flatMap((cidr) => (cidr ? [nodeAddressIn(cidr)] : [])) };
}
