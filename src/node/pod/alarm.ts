import type { Clock } from "../../base/clock.ts";

/** Wakes a worker at the earliest of the times that were asked for. */
export class Alarm implements Disposable {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: Disposable | undefined;
  #dueMs = 0;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings in so many milliseconds, unless it is to ring before anyway. */
  after(ms: number): void {
    const dueMs = this.#clock.elapsed() + ms;
    if (this.#timer && this.#dueMs <= dueMs) return;
    this.#timer?.[Symbol.dispose]();
    this.#dueMs = dueMs;
    this.#timer = this.#clock.after(ms, () => {
      this.#timer = undefined;
      this.#ring();
    });
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }
}
