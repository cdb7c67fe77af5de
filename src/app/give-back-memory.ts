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

const settleMs = 10_000;
/** Less CPU time than this in `settleMs` is quiet: 2 % of one core. */
const quietMs = 200;
/** What must have come together before it is given back. */
const worthBytes = 12 * 1024 * 1024;
const worthTrimmingBytes = 8 * 1024 * 1024;

/**
 * Gives memory back: free pages of malloc's after V8 has collected its whole heap, everything once a load is over. The
 * start is the first load. Left alone, both keep what a load made them take until somebody needs it, which on a quiet server
 * is never (docs/decisions/memory.md). Woken by V8's collections: where nothing is allocated there is nothing to give back.
 */
export function giveBackMemory(memory: ProcessMemory, { clock, log }: { clock: Clock; log: Log }): Disposable {
  let timer: Disposable | undefined;
  let trimmedBytes = 0;
  let leastBytes = 0;

  const waitForQuiet = (): void => {
    const usedMs = memory.cpuMs();
    timer = clock.after(settleMs, () => {
      timer = undefined;
      if (memory.cpuMs() - usedMs > quietMs) waitForQuiet();
      else giveBack();
    });
  };
  const giveBack = (): void => {
    const before = memory.anonymousBytes();
    if (before < leastBytes + worthBytes) {
      leastBytes = Math.min(leastBytes, before);
      return;
    }
    memory.collect();
    // What is left is in use: only growth beyond it is worth another look.
    leastBytes = memory.anonymousBytes();
    trimmedBytes = memory.otherBytes();
    log.debug("gave memory back", { before, now: leastBytes });
  };

  const trimWhenWorth = (): void => {
    if (memory.otherBytes() < trimmedBytes + worthTrimmingBytes) return;
    memory.trim();
    trimmedBytes = memory.otherBytes();
  };

  // Buffers that a whole collection found to be garbage are freed behind it: by the next collection, which is soon, they are.
  let freed = false;
  const collections = memory.onCollection((whole) => {
    if (!timer) waitForQuiet();
    if (freed) trimWhenWorth();
    freed = whole;
  });
  waitForQuiet();
  return {
    [Symbol.dispose]() {
      collections[Symbol.dispose]();
      timer?.[Symbol.dispose]();
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
