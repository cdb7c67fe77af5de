import { sleep } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import { timeLimit } from "../../base/time-limit.ts";
import type { NodeDialer } from "../node-dialer.ts";

/** What something uses at the moment. */
export interface Usage {
  /** Billionths of a processor. */
  readonly cpuNanoCores: number;
  readonly memoryBytes: number;
}

export interface NodeFigures {
  readonly atMs: number;
  /** Over which time processors were watched. */
  readonly windowMs: number;
  /** Undefined where the node does not tell it yet. */
  readonly node: Usage | undefined;
  /** By "namespace/name". */
  readonly pods: ReadonlyMap<string, readonly { readonly name: string; readonly usage: Usage | undefined }[]>;
}

/** The part of /stats/summary that is read here (Kubernetes docs, "Node metrics data"). */
interface Summary {
  readonly node?: Measured;
  readonly pods?: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly containers?: readonly ({ readonly name: string } & Measured)[];
  }[];
}

interface Measured {
  readonly cpu?: { readonly usageNanoCores?: number };
  readonly memory?: { readonly workingSetBytes?: number };
}

/** So long the same figures are told again: several who look at once cost as much as one. */
const freshMs = 10_000;
/** A node tells what is used between two questions. When nobody has asked before, there are two. */
const firstWindowMs = 1000;
const askTimeoutMs = 10_000;

/** Asks nodes for what they and their pods use; only when somebody wants to know. */
export class Figures {
  readonly #nodes: NodeDialer;
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly askedMs: number; readonly figures: Promise<NodeFigures | undefined> }>();

  constructor(nodes: NodeDialer, clock: Clock) {
    this.#nodes = nodes;
    this.#clock = clock;
  }

  /** Undefined where the node cannot be asked. */
  async of(node: string): Promise<NodeFigures | undefined> {
    if (!this.#nodes.has(node)) {
      this.#known.delete(node);
      return undefined;
    }
    const now = this.#clock.now();
    const known = this.#known.get(node);
    if (known && now - known.askedMs < freshMs) return known.figures;
    const figures = this.#ask(node, known?.askedMs);
    this.#known.set(node, { askedMs: now, figures });
    return figures;
  }

  async #ask(node: string, beforeMs: number | undefined): Promise<NodeFigures | undefined> {
    using limit = timeLimit(askTimeoutMs);
    const { signal } = limit;
    try {
      const first = await this.#read(node, beforeMs, signal);
      if (isWhole(first)) return first;
      await sleep(this.#clock, firstWindowMs, signal);
      return await this.#read(node, first.atMs, signal);
    } catch {
      return undefined; // a node that cannot be asked is missing in the answer, as with any metrics server
    }
  }

  async #read(node: string, beforeMs: number | undefined, signal: AbortSignal): Promise<NodeFigures> {
    const { status, stream } = await this.#nodes.open(node, { method: "GET", path: "/stats/summary" }, signal);
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    if (status !== 200) throw new Error(`the node answered ${status}`);
    const summary = JSON.parse(Buffer.concat(parts).toString()) as Summary;
    const atMs = this.#clock.now();
    return {
      atMs,
      windowMs: atMs - (beforeMs ?? atMs),
      node: summary.node && usageOf(summary.node),
      pods: new Map(
        (summary.pods ?? []).map(({ podRef, containers = [] }) => [
          `${podRef.namespace}/${podRef.name}`,
          containers.map((container) => ({ name: container.name, usage: usageOf(container) })),
        ]),
      ),
    };
  }
}

function usageOf({ cpu, memory }: Measured): Usage | undefined {
  if (cpu?.usageNanoCores === undefined || memory?.workingSetBytes === undefined) return undefined;
  return { cpuNanoCores: cpu.usageNanoCores, memoryBytes: memory.workingSetBytes };
}

function isWhole({ node, pods }: NodeFigures): boolean {
  return node !== undefined && [...pods.values()].flat().every(({ usage }) => usage !== undefined);
}
