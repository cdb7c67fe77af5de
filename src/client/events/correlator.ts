import type { ObjectReference } from "../../api/schema/types.ts";
import type { Clock } from "../../base/clock.ts";
import type { EventNews } from "../events.ts";

/** What to do with a piece of news. `key` and `count` are for the correlator's memory. */
export type EventDecision =
  | { readonly verdict: "drop" }
  | {
      readonly verdict: "new";
      readonly key: string;
      readonly message: string;
      readonly count: number;
      readonly series: boolean;
    }
  | {
      readonly verdict: "repeat";
      readonly key: string;
      readonly message: string;
      readonly count: number;
      readonly series: boolean;
      /** The Event to count up. */
      readonly name: string;
    };

// The figures of client-go's correlator: ten different messages in ten minutes become one Event; one object may cause 25
// Events at once and one more every five minutes; a series ends after six minutes of silence.
const similarLimit = 10;
const similarWindowMs = 600_000;
const burst = 25;
const refillMs = 300_000;
const seriesWindowMs = 360_000;
const memory = 4096;

/** Decides which Events are new, which repeat an earlier one, and which are too many. */
export class EventCorrelator {
  readonly #clock: Clock;
  readonly #similar = new Recent<{ messages: Set<string>; lastMs: number }>(memory);
  readonly #written = new Recent<{ name: string; count: number; lastMs: number }>(memory);
  readonly #budgets = new Recent<{ left: number; atMs: number }>(memory);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  decide(about: ObjectReference, news: EventNews): EventDecision {
    const { type, reason, action, fieldPath = "" } = news;
    const object = [about.kind, about.namespace, about.name, about.uid, about.apiVersion].join("/");
    const sort = [object, type, reason].join(" ");
    // A series is about one state of an object: what is said of the next one is new, whatever it says.
    if (action !== undefined) return this.#decideSeries([sort, action, about.resourceVersion].join(" "), news.message);

    const alike = this.#countSimilar(sort, news.message);
    const message = alike ? `(combined from similar events): ${news.message}` : news.message;
    const key = alike ? sort : [sort, fieldPath, news.message].join(" ");
    const earlier = this.#written.get(key);
    if (!this.#affords(object)) return { verdict: "drop" };
    return earlier
      ? { verdict: "repeat", key, message, count: earlier.count + 1, series: false, name: earlier.name }
      : { verdict: "new", key, message, count: 1, series: false };
  }

  /** Remembers what the server holds now. */
  written({ key, count }: { key: string; count: number }, name: string): void {
    this.#written.set(key, { name, count, lastMs: this.#clock.elapsed() });
  }

  #decideSeries(key: string, message: string): EventDecision {
    const earlier = this.#written.get(key);
    return earlier && this.#clock.elapsed() - earlier.lastMs < seriesWindowMs
      ? { verdict: "repeat", key, message, count: earlier.count + 1, series: true, name: earlier.name }
      : { verdict: "new", key, message, count: 1, series: true };
  }

  #countSimilar(sort: string, message: string): boolean {
    const elapsedMs = this.#clock.elapsed();
    let seen = this.#similar.get(sort);
    if (!seen || elapsedMs - seen.lastMs > similarWindowMs) seen = { messages: new Set(), lastMs: elapsedMs };
    seen.lastMs = elapsedMs;
    seen.messages.add(message);
    this.#similar.set(sort, seen);
    if (seen.messages.size < similarLimit) return false;
    for (const oldest of seen.messages) {
      seen.messages.delete(oldest);
      break;
    }
    return true;
  }

  #affords(object: string): boolean {
    const elapsedMs = this.#clock.elapsed();
    const budget = this.#budgets.get(object) ?? { left: burst, atMs: elapsedMs };
    const left = Math.min(burst, budget.left + (elapsedMs - budget.atMs) / refillMs);
    this.#budgets.set(object, { left: left >= 1 ? left - 1 : left, atMs: elapsedMs });
    return left >= 1;
  }
}

/** A map that forgets what was not used for longest. */
class Recent<V> {
  readonly #entries = new Map<string, V>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
  }
}
