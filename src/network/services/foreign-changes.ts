import type { Clock } from "../../base/clock.ts";
import { tableName } from "./ruleset.ts";

// The kernel tells of a transaction within some milliseconds; after this long one that was not told of made no change.
const toldWithinMs = 1_000;

/**
 * Tells changes that others made to skiff's table from skiff's own, by counting: each transaction of skiff's is told of once. If
 * another's falls in between, the count is wrong for a moment, and one time too many the table is written anew.
 */
export class ForeignChanges {
  readonly #clock: Clock;
  #ownUntold = 0;
  #lastOwnMs = 0;
  #touched = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** skiff is about to change its table. */
  own(): void {
    this.#ownUntold = this.#pending() + 1;
    this.#lastOwnMs = this.#clock.elapsed();
  }

  /** A line of `nft monitor`; whether with it a transaction of somebody else's ended that changed skiff's table. */
  isForeign(line: string): boolean {
    if (!line.startsWith("# new generation")) {
      this.#touched ||= line.includes(` ${tableName}`);
      return false;
    }
    const touched = this.#touched;
    this.#touched = false;
    if (!touched) return false;
    if (this.#pending() === 0) return true;
    this.#ownUntold--;
    return false;
  }

  #pending(): number {
    return this.#clock.elapsed() - this.#lastOwnMs > toldWithinMs ? 0 : this.#ownUntold;
  }
}
