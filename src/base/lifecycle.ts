import type { Log } from "./log.ts";

/** Something that runs until it is disposed of. */
export type Part = AsyncDisposable | Disposable | undefined | null;

/** A part cannot start as things are. The message alone tells a user, in one sentence, what is wrong and what would help. */
export class CannotStart extends Error {
  override readonly name: string = "CannotStart";
}

/** The same, and what is in the way may go away, by itself or by somebody's hand: who can wait tries again. */
export class CannotStartYet extends CannotStart {
  override readonly name: string = "CannotStartYet";
}

/**
 * The parts of a process in the order they were started. Disposing stops them in reverse; a part that fails to stop is
 * reported after all others have been stopped.
 */
export class Lifecycle implements AsyncDisposable {
  readonly #log: Log;
  readonly #started: { name: string; part: Part }[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  /** Starts a part; resolves when it is ready. An error carries the part's name in front, unless it says all. */
  async start<T>(name: string, open: () => T | Promise<T>): Promise<T> {
    const began = performance.now();
    let part: T;
    try {
      part = await open();
    } catch (cause) {
      if (cause instanceof CannotStart) throw cause;
      throw new Error(`${name} did not start`, { cause });
    }
    this.#started.push({ name, part: part as Part });
    this.#log.debug("part started", { part: name, tookMs: Math.round(performance.now() - began) });
    return part;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (const { name, part } of this.#started.splice(0).reverse()) {
      try {
        if (part && Symbol.asyncDispose in Object(part)) await (part as AsyncDisposable)[Symbol.asyncDispose]();
        else if (part && Symbol.dispose in Object(part)) (part as Disposable)[Symbol.dispose]();
      } catch (cause) {
        failures.push(new Error(`${name} did not stop`, { cause }));
      }
    }
    if (failures.length > 0)
      throw failures.length === 1 ? failures[0] : new AggregateError(failures, "several parts did not stop");
  }
}
