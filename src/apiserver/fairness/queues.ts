import { createHash } from "node:crypto";
import type { QueuingConfiguration } from "../../api/schema/types.ts";

/** One that waits for a seat. */
export interface Waiting {
  readonly flow: string;
  start(): void;
}

// What the validation of levels allows at most (api/kinds/flowcontrol): a hand is dealt of 60 bits of a hash.
const handBits = 60n;

/**
 * Requests of a level that wait for a seat. A flow is dealt a hand of the queues and joins the shortest of them, so that one
 * that sends too much fills few queues and another is unlikely to have all of its own among these; queues take turns
 * (Kubernetes docs, "API Priority and Fairness", section "Queuing").
 */
export class FlowQueues {
  /** Those that are not empty, by their number; the first one is the next to give. */
  readonly #queues = new Map<number, Waiting[]>();
  readonly #count: number;
  readonly #handSize: number;
  readonly #longest: number;
  #length = 0;

  constructor({ queues = 64, handSize = 8, queueLengthLimit = 50 }: QueuingConfiguration) {
    this.#count = queues;
    this.#handSize = handSize;
    this.#longest = queueLengthLimit;
  }

  get length(): number {
    return this.#length;
  }

  /** Whether there was room. */
  add(waiting: Waiting): boolean {
    const lengthOf = (number: number): number => this.#queues.get(number)?.length ?? 0;
    const number = dealt(waiting.flow, this.#count, this.#handSize).reduce((best, other) =>
      lengthOf(other) < lengthOf(best) ? other : best,
    );
    if (lengthOf(number) >= this.#longest) return false;
    const queue = this.#queues.get(number) ?? [];
    queue.push(waiting);
    this.#queues.set(number, queue);
    this.#length++;
    return true;
  }

  /** The first of the queue whose turn it is, which then comes after all others. */
  take(): Waiting | undefined {
    for (const [number, queue] of this.#queues) {
      const first = queue.shift();
      this.#queues.delete(number);
      if (queue.length > 0) this.#queues.set(number, queue);
      this.#length--;
      return first;
    }
    return undefined;
  }

  /** Takes one out that waits no longer. */
  remove(waiting: Waiting): void {
    for (const [number, queue] of this.#queues) {
      const at = queue.indexOf(waiting);
      if (at < 0) continue;
      queue.splice(at, 1);
      if (queue.length === 0) this.#queues.delete(number);
      this.#length--;
      return;
    }
  }
}

/** Some of a number of queues, no two the same, always the same ones for a flow. */
function dealt(flow: string, deck: number, handSize: number): number[] {
  let left = createHash("sha256").update(flow).digest().readBigUInt64LE() & ((1n << handBits) - 1n);
  const cards: number[] = [];
  for (let size = deck; cards.length < Math.min(handSize, deck); size--) {
    let card = Number(left % BigInt(size));
    left /= BigInt(size);
    // Counts among the cards that are still in the deck.
    for (const taken of [...cards].sort((a, b) => a - b)) if (card >= taken) card++;
    cards.push(card);
  }
  return cards;
}
