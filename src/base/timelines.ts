import type { Clock } from "./clock.ts";

/** Less than this is no setting of a clock, but its being kept right. */
const leastMs = 1_000;
const mostRemembered = 8;

/**
 * What time it is, and what it would be had nobody set the clock: a device finds out the time after its start, and what was
 * promised before, in the time that it had then, still holds.
 */
export class Timelines {
  readonly #clock: Clock;
  /** How far each is ahead of what measures durations; the newest first. */
  #offsets: readonly number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.now();
  }

  /** Milliseconds since 1970 in every time that the process has had, the present one first. */
  now(): readonly [number, ...number[]] {
    const [nowMs, elapsedMs] = [this.#clock.now(), this.#clock.elapsed()];
    const offset = nowMs - elapsedMs;
    const isSet = Math.abs(offset - (this.#offsets[0] ?? Number.POSITIVE_INFINITY)) >= leastMs;
    if (isSet)
      this.#offsets = [offset, ...this.#offsets.filter((other) => Math.abs(other - offset) >= leastMs)].slice(
        0,
        mostRemembered,
      );
    return [nowMs, ...this.#offsets.slice(1).map((other) => elapsedMs + other)];
  }
}
