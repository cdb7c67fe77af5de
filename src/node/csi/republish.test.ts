import { expect, test, vi } from "vitest";
import { fakeClock } from "../../base/testing/fake-clock.ts";
import { openFills } from "./fills.ts";
import { openRepublishing } from "./republish.ts";

test("a driver is told again every minute, sooner where that failed, and no more of what was taken away", async () => {
  const clock = fakeClock();
  const republishing = openRepublishing(clock);
  const said: string[] = [];
  let error: Error | undefined;
  const once = async () => {
    if (error) throw error;
    said.push("told");
    return true;
  };
  republishing.follow("v", { once, failed: ({ message }) => void said.push(message), first: "later" });
  await clock.advance(60_000);
  expect(said).toEqual(["told"]);
  error = new Error("it hangs");
  await clock.advance(60_000);
  await clock.advance(500);
  error = undefined;
  await clock.advance(1_000);
  expect(said).toEqual(["told", "it hangs", "it hangs", "told"]);
  republishing.forget("v");
  await clock.advance(120_000);
  expect(said).toHaveLength(4);
  expect(clock.waiting).toBe(0);
});

test("a driver that does not want it is asked for once", async () => {
  const clock = fakeClock();
  const republishing = openRepublishing(clock);
  const once = vi.fn(async () => false);
  republishing.follow("v", { once, failed: () => {}, first: "now" });
  await clock.advance(200_000);
  expect(once).toHaveBeenCalledTimes(1);
  expect(republishing.has("v")).toBe(true);
});

test("who asks how full a volume is waits a moment for its driver, then hears what it said last", async () => {
  const clock = fakeClock();
  const fills = openFills(clock);
  expect(await fills.of("v", async () => ({ usedBytes: 1 }))).toEqual({ usedBytes: 1 });
  const { promise, resolve } = Promise.withResolvers<{ usedBytes: number }>();
  const ask = vi.fn(() => promise);
  const both = Promise.all([fills.of("v", ask), fills.of("v", ask)]);
  await clock.advance(2_000);
  expect(await both).toEqual([{ usedBytes: 1 }, { usedBytes: 1 }]);
  expect(ask).toHaveBeenCalledTimes(1);
  resolve({ usedBytes: 2 });
  await promise;
  expect(await fills.of("v", ask)).toEqual({ usedBytes: 2 });
});
