import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import type { Clock } from "../../src/base/clock.ts";

/** Random numbers that a seed decides: the same seed, the same numbers, on every machine (mulberry32). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** True in that share of the calls. */
  happens(share: number): boolean {
    return this.next() < share;
  }

  /** One of them; undefined of none. */
  pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.next() * from.length)];
  }

  /** One of them, each as often as its weight says. */
  weighed<T extends { readonly weight: number }>(from: readonly T[]): T {
    let left = this.next() * from.reduce((sum, { weight }) => sum + weight, 0);
    for (const one of from) {
      left -= one.weight;
      if (left < 0) return one;
    }
    throw new RangeError("nothing to choose from");
  }
}

/** From now until disposed, whatever in this process asks for a random number, a uid or the running time is answered from here. */
export function takeOver(chance: Chance, clock: Clock): Disposable {
  const before = { random: Math.random, uuid: crypto.randomUUID, int: crypto.randomInt, now: performance.now };
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => chance.between(0, 15).toString(16)).join("");
  Math.random = () => chance.next();
  performance.now = () => clock.now();
  crypto.randomUUID = () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
  crypto.randomInt = ((from: number, to?: number) =>
    to === undefined ? chance.between(0, from - 1) : chance.between(from, to - 1)) as typeof crypto.randomInt;
  syncBuiltinESMExports();
  return {
    [Symbol.dispose]() {
      Math.random = before.random;
      performance.now = before.now;
      crypto.randomUUID = before.uuid;
      crypto.randomInt = before.int;
      syncBuiltinESMExports();
    },
  };
}
