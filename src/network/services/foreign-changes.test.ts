import { expect, test } from "vitest";
import { fakeClock } from "../../base/testing/fake-clock.ts";
import { ForeignChanges } from "./foreign-changes.ts";

const end = "# new generation 5 by process 77 (nft)";

test("what skiff did itself is not taken for somebody else's, each transaction once", () => {
  const clock = fakeClock();
  const changes = new ForeignChanges(clock);
  const told = (...lines: string[]) => lines.map((line) => changes.isForeign(line)).includes(true);
  changes.own();
  expect(told("delete table inet skiff", "add table inet skiff", end)).toBe(false);
  expect(told("delete table inet skiff", end)).toBe(true);
  expect(told("add rule ip filter FORWARD accept", end)).toBe(false);
});

test("a transaction that changed nothing hides no later change of somebody else's", async () => {
  const clock = fakeClock();
  const changes = new ForeignChanges(clock);
  changes.own();
  clock.set(-60 * 60_000);
  await clock.advance(5_000);
  changes.isForeign("delete chain inet skiff services");
  expect(changes.isForeign(end)).toBe(true);
});
