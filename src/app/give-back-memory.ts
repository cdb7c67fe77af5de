import { readFileSync } from "node:fs";
import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { MemoryAddon } from "./addons.ts";

/** What the process uses, and how it is made to use less. */
export interface ProcessMemory {
  /** Memory that lies in no file: that of V8 and of malloc. Pages of the executable come and go as they are needed. */
  anonymousBytes(): number;
  /** Of that, what is neither V8's heap nor in a buffer of its: malloc's other memory, in use or free. */
  otherBytes(): number;
  /** CPU time used since the process began. */
  cpuMs(): number;
  /** Calls `noticed` when V8 has collected garbage: `whole` says whether all of its heap or the young part only. */
  onCollection(noticed: (whole: boolean) => void): Disposable;
  /** Gives free pages back to the kernel. Takes some milliseconds. */
  trim(): void;
  /** Collects what nobody needs and gives everything back that can be. Takes a moment in which nothing else happens. */
  collect(): void;
}

/** A time in which little happens, and what must have come together to be given back in it. */
interface Pause {
  readonly lastsMs: number;
  /** CPU time of all threads in it, at most. */
  readonly cpuMs: number;
  /** How much the process has grown since the last time. */
  readonly worthBytes: number;
}
const mebi = 1024 * 1024;
const pauses: readonly Pause[] = [
  // Right behind a load, which leaves much.
  { lastsMs: 1_000, cpuMs: 50, worthBytes: 48 * mebi },
  // Whatever follows a load or a start is over too: 2 % of a core.
  { lastsMs: 10_000, cpuMs: 200, worthBytes: 12 * mebi },
];
/** Having computed for so long is worth it as well: then there may be garbage where there was data before, without any growth. */
const worthAfterMs = 10_000;
/** So much of the data must have been deleted, and half of them, for memory to be given back in the middle of a load. */
const worthDeletedBytes = 8 * mebi;
const worthTrimmingBytes = 8 * mebi;

export interface GiveBackOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Of the data that the process keeps, if it keeps any. */
  readonly heldBytes?: () => number;
}

/**
 * Gives memory back: free pages of malloc's after V8 has collected its whole heap, everything once a load is over or half of
 * the data was deleted. The start is the first load. Left alone, both keep what a load made them take until somebody needs
 * it, which on a quiet server is never (docs/decisions/memory.md). Woken by V8's collections: where nothing is allocated
 * there is nothing to give back.
 */
export function giveBackMemory(memory: ProcessMemory, { clock, log, heldBytes }: GiveBackOptions): Disposable {
  let trimmedBytes = 0;
  let collectedAtMs = 0;
  let mostHeldBytes = 0;

  const giveBack = (): number => {
    const before = memory.anonymousBytes();
    memory.collect();
    const now = memory.anonymousBytes();
    collectedAtMs = memory.cpuMs();
    trimmedBytes = memory.otherBytes();
    mostHeldBytes = heldBytes?.() ?? 0;
    log.debug("gave memory back", { before, now });
    return now;
  };

  const giveBackIn = ({ lastsMs, cpuMs, worthBytes }: Pause) => {
    let timer: Disposable | undefined;
    // The start counts, however little it took.
    let leftBytes = 0;
    const isWorthIt = (): boolean =>
      memory.anonymousBytes() >= leftBytes + worthBytes || memory.cpuMs() >= collectedAtMs + worthAfterMs;
    const wait = (): void => {
      const usedMs = memory.cpuMs();
      timer = clock.after(lastsMs, () => {
        timer = undefined;
        if (memory.cpuMs() - usedMs > cpuMs) wait();
        else if (isWorthIt()) leftBytes = giveBack();
      });
    };
    return {
      wake: () => timer ?? wait(),
      [Symbol.dispose]: () => timer?.[Symbol.dispose](),
    };
  };
  const waiting = pauses.map(giveBackIn);

  const muchWasDeleted = (): boolean => {
    const held = heldBytes?.() ?? 0;
    mostHeldBytes = Math.max(mostHeldBytes, held);
    return held < mostHeldBytes / 2 && held < mostHeldBytes - worthDeletedBytes;
  };
  const trimWhenWorth = (): void => {
    if (memory.otherBytes() < trimmedBytes + worthTrimmingBytes) return;
    memory.trim();
    trimmedBytes = memory.otherBytes();
  };

  // Buffers that a whole collection found to be garbage are freed behind it: by the next collection, which is soon, they are.
  let freed = false;
  const collections = memory.onCollection((whole) => {
    for (const pause of waiting) pause.wake();
    if (muchWasDeleted()) giveBack();
    else if (freed) trimWhenWorth();
    freed = whole;
  });
  for (const pause of waiting) pause.wake();
  return {
    [Symbol.dispose]() {
      collections[Symbol.dispose]();
      for (const pause of waiting) pause[Symbol.dispose]();
    },
  };
}

/**
 * This process. Without --expose-gc and without the addon, both of which the executable has built in, V8 and malloc give
 * nothing back on demand.
 */
export function ownMemory(addon: MemoryAddon | undefined): ProcessMemory {
  return {
    anonymousBytes,
    otherBytes() {
      const { heapTotal, external } = process.memoryUsage();
      return anonymousBytes() - heapTotal - external;
    },
    cpuMs() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    onCollection(noticed) {
      const observer = new PerformanceObserver((list) => {
        noticed(list.getEntries().some(isWhole));
      });
      observer.observe({ entryTypes: ["gc"] });
      return { [Symbol.dispose]: () => observer.disconnect() };
    },
    trim() {
      addon?.trimHeap();
      addon?.letGoOfProgram();
    },
    collect() {
      globalThis.gc?.({ type: "major", flavor: "last-resort", execution: "sync" });
      this.trim();
    },
  };
}

function anonymousBytes(): number {
  const [, kibibytes] = /^RssAnon:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "latin1")) ?? [];
  return Number(kibibytes) * 1024;
}

function isWhole(entry: PerformanceEntry): boolean {
  // Entries of type "gc" say what was collected; the type knows no types of entries.
  const { detail } = entry as PerformanceEntry & { detail: { kind: number } };
  return detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
}
