import { beforeEach, describe, expect, test } from "vitest";
import { type FakeClock, fakeClock } from "../base/testing/fake-clock.ts";
import type { ClusterChange } from "./plugin.ts";
import { SchedulingQueue, type Waiting } from "./queue.ts";
import { aNode, aPodInfo } from "./testing/objects.ts";

const change: ClusterChange = { of: "node", after: aNode() };
const rejecting = new Set(["NodeResourcesFit"]);

describe("the scheduling queue", () => {
  let clock: FakeClock;
  let queue: SchedulingQueue;
  let helpful: boolean;
  let woken: number;
  const take = (): Waiting => {
    const taken = queue.take();
    if (!taken) throw new Error("nothing is waiting");
    return taken;
  };
  const names = (): string[] => {
    const found: string[] = [];
    for (let next = queue.take(); next; next = queue.take()) found.push(next.pod.pod.metadata.name);
    return found;
  };

  beforeEach(() => {
    clock = fakeClock();
    helpful = true;
    woken = 0;
    queue = new SchedulingQueue({
      clock,
      mayHelp: () => helpful,
      ownChangeMayHelp: (before, after) => before.spec.tolerations !== after.spec.tolerations,
      wake: () => woken++,
    });
  });

  test("gives out the most important first, among equals the one that came first", () => {
    queue.set(aPodInfo({ name: "a" }));
    queue.set(aPodInfo({ name: "b", priority: 5 }));
    queue.set(aPodInfo({ name: "c" }));
    expect(names()).toEqual(["b", "a", "c"]);
  });

  test("keeps one that found no node until something may help it", () => {
    queue.set(aPodInfo());
    queue.reject(take(), rejecting);
    helpful = false;
    queue.changed(change);
    expect(queue.take()).toBeUndefined();
    helpful = true;
    queue.changed(change);
    expect(names()).toEqual(["web"]);
  });

  test("does not keep one waiting for its back-off when there is nothing else to do", () => {
    queue.set(aPodInfo({ name: "early" }));
    queue.reject(take(), rejecting);
    queue.changed(change);
    queue.set(aPodInfo({ name: "new" }));
    expect(names()).toEqual(["new", "early"]);
  });

  test("keeps one waiting whose try broke off", async () => {
    queue.set(aPodInfo());
    queue.again(take());
    expect(queue.take()).toBeUndefined();
    await clock.advance(1000);
    expect(names()).toEqual(["web"]);
  });

  test("tries one again that was itself changed, where that may help", () => {
    queue.set(aPodInfo());
    queue.reject(take(), rejecting);
    queue.set(aPodInfo({ labels: { a: "b" } }));
    expect(queue.take()).toBeUndefined();
    queue.set(aPodInfo({ tolerations: [] }));
    expect(names()).toEqual(["web"]);
  });

  test("tries one without a cause after five minutes", async () => {
    queue.set(aPodInfo());
    queue.reject(take(), rejecting);
    const before = woken;
    await clock.advance(300_000);
    expect(woken).toBeGreaterThan(before);
    expect(names()).toEqual(["web"]);
  });

  test("forgets one that is gone, with its timers", () => {
    const pod = aPodInfo();
    queue.set(pod);
    queue.reject(take(), rejecting);
    queue.remove(pod.uid);
    queue.changed(change);
    expect([queue.take(), clock.waiting]).toEqual([undefined, 0]);
  });
});
