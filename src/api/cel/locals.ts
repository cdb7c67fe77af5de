/** Something with the name of a variable. */
export interface Named<T> {
  readonly name: string;
  readonly value: T;
}

/** The variables of folds around the place in an expression that is looked at, each with what is known of it. */
export class Locals<T> {
  readonly #known: Named<T>[] = [];

  /** What is known of a variable: the innermost one of the name is meant. */
  find(name: string): T | undefined {
    return this.#known.findLast((known) => known.name === name)?.value;
  }

  /** Runs `look` while these are known as well. */
  within<R>(variables: readonly Named<T>[], look: () => R): R {
    const outside = this.#known.length;
    this.#known.push(...variables);
    try {
      return look();
    } finally {
      // Also after an error: `||` and `&&` go on with their other side.
      this.#known.length = outside;
    }
  }
}
