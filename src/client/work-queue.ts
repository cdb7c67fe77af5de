import { delayMs, type Waits } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { QueueCounts } from "./work-queue-metrics.ts";

export interface WorkQueueOptions {
  /** Told what becomes of keys, for metrics. */
  readonly counts?: QueueCounts;
  readonly clock: Clock;
  /** How many keys are worked on at once. */
  readonly workers: number;
  /** The waits between failures of one key; those of client-go's work queue unless said. */
  readonly failureWaits?: Waits;
  /** Does the work of a key. Resolves with the milliseconds after which it wants to be called again, or undefined. */
  readonly work: (key: string) => Promise<number | undefined>;
  /** Told what `work` threw; the key is tried again with back-off. */
  readonly failed: (key: string, error: unknown) => void;
}

/**
 * How long a key rests after a round, in multiples of what its rounds compute before they first wait for something, and at
 * most; the first millisecond is free, so that small objects are answered change by change. An object with thousands of pods
 * changes with each of them: without rest, each change would count them all anew. The shorter of the last two rounds counts:
 * a single long one is code that runs for the first time, or a machine that is busy with something else.
 */
const rest = { times: 9, freeMs: 1, maxMs: 1000 };

/** Those of client-go's work queue. */
export const failureWaits: Waits = { firstMs: 5, maxMs: 1_000_000 };

/**
 * Keys that need work. A key that is added again while it waits is there once; one that is added while it is being worked
 * on comes up again afterwards, never twice at once. A key whose rounds are long gets a tenth of the time, so that the
 * changes meanwhile are worked on together. It holds at most one entry for each key that exists.
 */
export class WorkQueue implements Disposable {
  readonly #options: WorkQueueOptions;
  /** In the order in which they come up. */
  readonly #ready = new Set<string>();
  readonly #working = new Set<string>();
  /** Keys that were worked on for long and may not come up again yet. */
  readonly #resting = new Map<string, Disposable>();
  readonly #again = new Set<string>();
  /** What the last round of a key computed, where that was more than is free. */
  readonly #computedMs = new Map<string, number>();
  readonly #later = new Map<string, { dueMs: number; timer: Disposable }>();
  readonly #failures = new Map<string, number>();
  #stopped = false;
  #pumping = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  add(key: string): void {
    if (this.#stopped) return;
    if (this.#working.has(key) || this.#resting.has(key)) this.#again.add(key);
    else if (!this.#ready.has(key)) {
      this.#ready.add(key);
      this.#options.counts?.added(key);
    }
    this.#pump();
  }

  /** Adds the key later; of several calls for a key the earliest counts. */
  addAfter(key: string, afterMs: number): void {
    if (this.#stopped) return;
    if (afterMs <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#options.clock.elapsed() + afterMs;
    const planned = this.#later.get(key);
    if (planned && planned.dueMs <= dueMs) return;
    planned?.timer[Symbol.dispose]();
    const timer = this.#options.clock.after(afterMs, () => {
      this.#later.delete(key);
      this.add(key);
    });
    this.#later.set(key, { dueMs, timer });
  }

  /** How many keys wait for a worker. */
  get length(): number {
    return this.#ready.size;
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    for (const { timer } of this.#later.values()) timer[Symbol.dispose]();
    this.#later.clear();
    for (const timer of this.#resting.values()) timer[Symbol.dispose]();
    this.#resting.clear();
    this.#ready.clear();
    this.#again.clear();
    this.#computedMs.clear();
  }

  // Begins in a turn of its own: whoever adds a key, adds all of its keys before the first is worked on.
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      for (const key of this.#ready) {
        if (this.#working.size >= this.#options.workers) return;
        this.#ready.delete(key);
        this.#working.add(key);
        void this.#work(key);
      }
    });
  }

  async #work(key: string): Promise<void> {
    const { clock, work, counts } = this.#options;
    counts?.began(key);
    const beganMs = clock.elapsed();
    let computedMs = 0;
    try {
      const working = work(key);
      computedMs = clock.elapsed() - beganMs;
      const againMs = await working;
      this.#failures.delete(key);
      if (againMs !== undefined) this.addAfter(key, againMs);
    } catch (error) {
      const failures = this.#failures.get(key) ?? 0;
      this.#failures.set(key, failures + 1);
      if (!this.#stopped) this.#options.failed(key, error);
      counts?.retried();
      this.addAfter(key, delayMs(failures, this.#options.failureWaits ?? failureWaits));
    }
    counts?.done(key);
    this.#working.delete(key);
    const restMs = this.#restAfter(key, computedMs);
    if (restMs > 0 && !this.#stopped) this.#rest(key, restMs);
    else if (this.#again.delete(key)) this.add(key);
    this.#pump();
  }

  #restAfter(key: string, computedMs: number): number {
    const lastMs = this.#computedMs.get(key) ?? 0;
    if (computedMs > rest.freeMs) this.#computedMs.set(key, computedMs);
    else this.#computedMs.delete(key);
    return Math.min((Math.min(lastMs, computedMs) - rest.freeMs) * rest.times, rest.maxMs);
  }

  #rest(key: string, restMs: number): void {
    const timer = this.#options.clock.after(restMs, () => {
      this.#resting.delete(key);
      if (this.#again.delete(key)) this.add(key);
    });
    this.#resting.set(key, timer);
  }
}
