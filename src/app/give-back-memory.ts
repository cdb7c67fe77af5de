import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";

/** What the process uses, and how it is made to use less. */
export interface ProcessMemory {
  residentBytes(): number;
  /** CPU time used since the process began. */
  cpuMs(): number;
  /** Collects what nobody needs and gives the pages back to the kernel. Takes a moment in which nothing else happens. */
  collect(): void;
}

const lookEveryMs = 60_000;
/** Less CPU time than this between two looks is quiet: 2 % of one core. */
const quietMs = 1200;
const worthBytes = 24 * 1024 * 1024;

/**
 * Gives memory back when a load is over. V8 itself keeps the pages that a load made it take as long as nothing new is
 * allocated, which on a quiet server is for ever (docs/decisions/memory.md).
 */
export function giveBackMemory(memory: ProcessMemory, { clock, log }: { clock: Clock; log: Log }): Disposable {
  let timer: Disposable;
  let leastBytes = Number.POSITIVE_INFINITY;
  let usedMs = memory.cpuMs();
  const look = (): void => {
    timer = clock.after(lookEveryMs, look);
    const spentMs = memory.cpuMs() - usedMs;
    usedMs += spentMs;
    if (spentMs > quietMs) return;
    const before = memory.residentBytes();
    if (before < leastBytes + worthBytes) {
      leastBytes = Math.min(leastBytes, before);
      return;
    }
    memory.collect();
    usedMs = memory.cpuMs();
    // What is left is in use: only growth beyond it is worth another look.
    leastBytes = memory.residentBytes();
    log.debug("gave memory back", { before, now: leastBytes });
  };
  leastBytes = memory.residentBytes();
  timer = clock.after(lookEveryMs, look);
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

/** This process. Without --expose-gc, which the executable has built in, nothing can be collected on demand. */
export const ownMemory: ProcessMemory = {
  residentBytes: () => process.memoryUsage.rss(),
  cpuMs() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  collect: () => globalThis.gc?.({ type: "major", flavor: "last-resort", execution: "sync" }),
};
