import { systemClock } from "./clock.ts";

/** Ends what takes too long; disposed of when that is over. */
export interface TimeLimit extends Disposable {
  /** Aborted, as by AbortSignal.timeout, when the time is over. */
  readonly signal: AbortSignal;
}

/** In so many pieces the time passes: however long the process stands still, that is one of them. */
const pieces = 8;

/**
 * A limit for somebody else's answer. Time in which this process stands still, because the machine is busy or its disk slow, hardly
 * counts: the other side cannot be heard then.
 */
export function timeLimit(ms: number): TimeLimit {
  const controller = new AbortController();
  const over = () => controller.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError"));
  let left = pieces;
  let timer: Disposable;
  const wait = (): void => void (timer = systemClock.after(ms / pieces, () => (--left > 0 ? wait() : over())));
  wait();
  return { signal: controller.signal, [Symbol.dispose]: () => timer[Symbol.dispose]() };
}
