import type { StoreEvent } from "../contract.ts";
import { lowerBound } from "./sorted-keys.ts";

export interface HistoryLimits {
  readonly events: number;
  readonly bytes: number;
}

// What an event costs beside its value: the objects around it.
const eventOverheadBytes = 200;

/**
 * The newest events of a bucket. Events are numbered from 0 on in the order of their revisions; a number stays with its
 * event, so that a reader's place is one number.
 */
export class History {
  readonly #limits: HistoryLimits;
  #events: (StoreEvent | undefined)[] = [];
  #head = 0;
  #dropped = 0;
  #bytes = 0;
  #compacted: number;

  constructor(limits: HistoryLimits, compacted: number) {
    this.#limits = limits;
    this.#compacted = compacted;
  }

  /** Every event above this revision is held. */
  get compacted(): number {
    return this.#compacted;
  }

  /** The number of the oldest event that is held. */
  get first(): number {
    return this.#dropped;
  }

  /** The number that the next event will have. */
  get end(): number {
    return this.#dropped + this.#events.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  at(number: number): StoreEvent | undefined {
    return number < this.#dropped ? undefined : this.#events[this.#head + number - this.#dropped];
  }

  /** The number of the first event above `revision`. */
  firstAfter(revision: number): number {
    const held = this.end - this.first;
    return this.first + lowerBound(held, (i) => this.#events[this.#head + i]!.entry.modRevision <= revision);
  }

  /** Adds the newest event; returns those that had to make room. */
  push(event: StoreEvent): StoreEvent[] {
    this.#events.push(event);
    this.#bytes += sizeOf(event);
    const dropped: StoreEvent[] = [];
    while (this.end - this.first > this.#limits.events || this.#bytes > this.#limits.bytes) dropped.push(this.#drop());
    return dropped;
  }

  /** Forgets all events: nothing up to `revision` can be read any more. */
  forget(revision: number): StoreEvent[] {
    const dropped: StoreEvent[] = [];
    while (this.end > this.first) dropped.push(this.#drop());
    this.#compacted = Math.max(this.#compacted, revision);
    return dropped;
  }

  #drop(): StoreEvent {
    const event = this.#events[this.#head]!;
    this.#events[this.#head++] = undefined;
    this.#dropped++;
    this.#bytes -= sizeOf(event);
    this.#compacted = event.entry.modRevision;
    if (this.#head > 1024 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }
}

function sizeOf({ entry }: StoreEvent): number {
  return entry.value.length + entry.key.length + eventOverheadBytes;
}
