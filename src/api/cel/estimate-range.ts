/** From the least to the most: of costs and of sizes. What is unknown ends at infinity. */
export class Range {
  readonly min: number;
  readonly max: number;
  constructor(min: number, max: number) {
    this.min = min;
    this.max = max;
  }
  plus(other: Range): Range {
    return new Range(this.min + other.min, this.max + other.max);
  }
  times(other: Range): Range {
    return new Range(product(this.min, other.min), product(this.max, other.max));
  }
  /** Rounded up. */
  by(factor: number): Range {
    return new Range(Math.ceil(this.min * factor), Math.ceil(this.max * factor));
  }
  union(other: Range): Range {
    return new Range(Math.min(this.min, other.min), Math.max(this.max, other.max));
  }
}

function product(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : a * b;
}

export function range(min: number, max = min): Range {
  return new Range(min, max);
}

export const unknownSize = range(0, Number.POSITIVE_INFINITY);
