import { expect, test } from "vitest";
import { noLog } from "../base/log.ts";
import { fakeClock } from "../base/testing/fake-clock.ts";
import { openGathering } from "./gather.ts";

function world() {
  const clock = fakeClock();
  const gathering = openGathering({ gatherMs: 150, clock, log: noLog });
  const rounds: PromiseWithResolvers<void>[] = [];
  const happened = gathering.of("rules", "putting back", () => {
    const round = Promise.withResolvers<void>();
    rounds.push(round);
    return round.promise;
  });
  return { clock, gathering, rounds, happened };
}

test("what happens many times at once is answered once, what happens meanwhile once more", async () => {
  const { clock, rounds, happened } = world();
  for (let i = 0; i < 5; i++) happened();
  await clock.advance(150);
  expect(rounds).toHaveLength(1);
  happened();
  await clock.advance(150);
  expect(rounds).toHaveLength(1);
  rounds[0]?.reject(new Error("the link is down"));
  await clock.advance(1);
  expect(rounds).toHaveLength(2);
});

test("disposed of, it lets go of what waits and waits for what runs", async () => {
  const { clock, gathering, rounds, happened } = world();
  happened();
  await clock.advance(150);
  happened();
  let isOver = false;
  const ending = gathering[Symbol.asyncDispose]().then(() => {
    isOver = true;
  });
  await clock.advance(1_000);
  expect([rounds.length, isOver]).toEqual([1, false]);
  rounds[0]?.resolve();
  await ending;
});
