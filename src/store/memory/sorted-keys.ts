// A chunk is small enough that inserting into its array is cheap, and large enough that 100,000 keys are a few hundred
// chunks: both searches are binary.
const longestChunk = 512;

/** A sorted set of keys with cheap insertion, removal and ranges. The order is that of JavaScript's string comparison. */
export class SortedKeys {
  readonly #chunks: string[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(key: string): void {
    const at = this.#find(key);
    const chunk = this.#chunks[at.chunk];
    if (chunk?.[at.index] === key) return;
    this.#size++;
    const last = this.#chunks.length - 1;
    if (chunk) this.#insert(at.chunk, at.index, key);
    else if (last >= 0) this.#insert(last, this.#chunks[last]!.length, key);
    else this.#chunks.push([key]);
  }

  delete(key: string): void {
    const at = this.#find(key);
    const chunk = this.#chunks[at.chunk];
    if (chunk?.[at.index] !== key) return;
    this.#size--;
    if (chunk.length === 1) this.#chunks.splice(at.chunk, 1);
    else chunk.splice(at.index, 1);
  }

  /** The keys from `start` on, in order. The set must not change meanwhile. */
  *from(start: string): Generator<string, void, undefined> {
    const at = this.#find(start);
    for (let c = at.chunk; c < this.#chunks.length; c++) {
      const chunk = this.#chunks[c]!;
      for (let i = c === at.chunk ? at.index : 0; i < chunk.length; i++) yield chunk[i]!;
    }
  }

  /** How many keys are not before `start` and before `end`. */
  countBetween(start: string, end: string): number {
    const [a, b] = [this.#find(start), this.#find(end)];
    let count = b.index - a.index;
    for (let c = a.chunk; c < b.chunk; c++) count += this.#chunks[c]!.length;
    return Math.max(0, count);
  }

  #insert(chunkIndex: number, index: number, key: string): void {
    const chunk = this.#chunks[chunkIndex]!;
    chunk.splice(index, 0, key);
    if (chunk.length <= longestChunk) return;
    // Keys that arrive in order fill chunks to the brim instead of leaving each one half empty.
    const cut = index === chunk.length - 1 ? chunk.length - 1 : chunk.length >> 1;
    this.#chunks.splice(chunkIndex + 1, 0, chunk.splice(cut));
  }

  /** The place of the first key that is not before `key`; behind the last chunk when there is none. */
  #find(key: string): { chunk: number; index: number } {
    const chunk = lowerBound(this.#chunks.length, (i) => this.#chunks[i]!.at(-1)! < key);
    const keys = this.#chunks[chunk];
    return { chunk, index: keys ? lowerBound(keys.length, (i) => keys[i]! < key) : 0 };
  }
}

/** The first index below `length` for which `isBefore` is false; `length` when it never is. */
export function lowerBound(length: number, isBefore: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where the keys that start with `prefix` end: greater than each of them. */
export function endOf(prefix: string): string {
  return `${prefix}\uffff`;
}
