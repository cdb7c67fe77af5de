import { describe, expect, test } from "vitest";
import type { Waits } from "../base/backoff.ts";
import { fakeClock } from "../base/testing/fake-clock.ts";
import { WorkQueue } from "./work-queue.ts";

interface Given {
  workers?: number;
  fails?: (key: string) => boolean;
  /** What a round computes before it waits. */
  computesMs?: number;
  failureWaits?: Waits;
}

function aQueue({ workers = 2, fails = () => false, computesMs = 0, failureWaits }: Given = {}) {
  const clock = fakeClock();
  let computedMs = 0;
  const begun: string[] = [];
  const open: { key: string; finish: (againMs?: number) => void }[] = [];
  const queue = new WorkQueue({
    clock: { ...clock, elapsed: () => clock.elapsed() + computedMs },
    workers,
    ...(failureWaits && { failureWaits }),
    failed: () => {},
    work: (key) => {
      begun.push(key);
      computedMs += computesMs;
      if (fails(key)) return Promise.reject(new Error("no"));
      return new Promise((finish) => open.push({ key, finish: (againMs) => finish(againMs) }));
    },
  });
  const finish = async (againMs?: number) => {
    open.shift()?.finish(againMs);
    await clock.advance(0);
  };
  return { clock, begun, queue, finish };
}

describe("a work queue", () => {
  test("holds a key once, however often it is added", async () => {
    const { queue, begun, clock } = aQueue();
    for (const key of ["a", "b", "a", "a"]) queue.add(key);
    await clock.advance(0);
    expect(begun).toEqual(["a", "b"]);
  });

  test("works on a key again that was added meanwhile, but never twice at once", async () => {
    const { queue, begun, clock, finish } = aQueue();
    queue.add("a");
    await clock.advance(0);
    queue.add("a");
    queue.add("a");
    await clock.advance(0);
    expect(begun).toEqual(["a"]);
    await finish();
    expect(begun).toEqual(["a", "a"]);
    await finish();
    expect(begun).toEqual(["a", "a"]);
  });

  test("keeps to its number of workers", async () => {
    const { queue, begun, clock, finish } = aQueue({ workers: 2 });
    for (const key of ["a", "b", "c"]) queue.add(key);
    await clock.advance(0);
    expect(begun).toEqual(["a", "b"]);
    await finish();
    expect(begun).toEqual(["a", "b", "c"]);
  });

  test("tries a failing key again after 5, 10, 20 milliseconds and so on, and forgets that after a success", async () => {
    let left = 3;
    const { queue, begun, clock, finish } = aQueue({ fails: () => left-- > 0 });
    queue.add("a");
    await clock.advance(0);
    for (const [waitMs, times] of [
      [4, 1],
      [1, 2],
      [10, 3],
      [19, 3],
      [1, 4],
    ] as const) {
      await clock.advance(waitMs);
      expect(begun.length).toBe(times);
    }
    await finish();
    left = 1;
    queue.add("a");
    await clock.advance(5);
    expect(begun.length).toBe(6);
  });

  test("waits between failures as long as it was told, up to the longest wait", async () => {
    const { queue, begun, clock } = aQueue({ fails: () => true, failureWaits: { firstMs: 1000, maxMs: 3000 } });
    queue.add("a");
    await clock.advance(0);
    for (const [waitMs, times] of [
      [999, 1],
      [1, 2],
      [2000, 3],
      [3000, 4],
      [3000, 5],
    ] as const) {
      await clock.advance(waitMs);
      expect(begun.length).toBe(times);
    }
  });

  test("brings a key up at the earliest time that was asked for", async () => {
    const { queue, begun, clock, finish } = aQueue();
    queue.addAfter("a", 1000);
    queue.addAfter("a", 300);
    queue.addAfter("a", 5000);
    await clock.advance(299);
    expect(begun).toEqual([]);
    await clock.advance(1);
    expect(begun).toEqual(["a"]);
    await finish(50);
    await clock.advance(50);
    expect(begun).toEqual(["a", "a"]);
  });

  test("lets a key rest nine times as long as its rounds compute beyond a millisecond, and others not", async () => {
    const { queue, begun, clock, finish } = aQueue({ computesMs: 11 });
    queue.add("a");
    await clock.advance(0);
    queue.add("a");
    await finish();
    await finish();
    queue.add("a");
    queue.add("b");
    await clock.advance(89);
    expect(begun).toEqual(["a", "a", "b"]);
    await clock.advance(1);
    expect(begun).toEqual(["a", "a", "b", "a"]);
  });

  test("lets no key rest for a single long round", async () => {
    const { queue, begun, clock, finish } = aQueue({ computesMs: 11 });
    queue.add("a");
    await clock.advance(0);
    await finish();
    queue.add("a");
    await clock.advance(0);
    expect(begun).toEqual(["a", "a"]);
  });

  test("waits for nothing when it has nothing to do", async () => {
    const { queue, clock, finish } = aQueue();
    queue.add("a");
    await clock.advance(0);
    await finish();
    expect([clock.waiting, queue.length]).toEqual([0, 0]);
  });
});
