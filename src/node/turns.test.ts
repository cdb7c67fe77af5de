import { expect, test } from "vitest";
import { fakeClock } from "../base/testing/fake-clock.ts";
import { openTurns } from "./turns.ts";

const quiet = new AbortController().signal;

/** Turns with two starts at once, and a log of what began. */
function world() {
  const clock = fakeClock();
  const turns = openTurns({ clock, startsAtOnce: 2, removalWaitsMs: 5_000 });
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string) => () =>
    new Promise<void>((done) => {
      began.push(name);
      ends.set(name, done);
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  return { clock, turns, began, work, end };
}

test("a few start at a time, in the order in which they came", async () => {
  const { turns, began, work, end } = world();
  for (const name of ["a", "b", "c"]) void turns.start(work(name), quiet);
  await end("");
  expect(began).toEqual(["a", "b"]);
  await end("a");
  expect(began).toEqual(["a", "b", "c"]);
});

test("what has ended is removed when nothing starts, one after the other", async () => {
  const { turns, began, work, end } = world();
  void turns.start(work("start"), quiet);
  for (const name of ["old", "older"]) void turns.remove(work(name));
  await end("");
  expect(began).toEqual(["start"]);
  await end("start");
  expect(began).toEqual(["start", "old"]);
  await end("old");
  expect(began).toEqual(["start", "old", "older"]);
});

test("a removal does not wait for ever", async () => {
  const { clock, turns, began, work, end } = world();
  void turns.start(work("start"), quiet);
  void turns.remove(work("old"));
  await end("");
  await clock.advance(5_000);
  expect(began).toEqual(["start", "old"]);
});

test("a start that is given up leaves the queue", async () => {
  const { turns, began, work, end } = world();
  const stop = new AbortController();
  void turns.start(work("a"), quiet);
  void turns.start(work("b"), quiet);
  const given = turns.start(work("c"), stop.signal);
  stop.abort(new Error("ended"));
  await expect(given).rejects.toThrow("ended");
  await end("a");
  expect(began).toEqual(["a", "b"]);
});
