import { expect, test } from "vitest";
import { noLog } from "../base/log.ts";
import { fakeClock } from "../base/testing/fake-clock.ts";
import { giveBackMemory } from "./give-back-memory.ts";

const mib = 1024 * 1024;
const minute = 60_000;

function aProcess() {
  const clock = fakeClock();
  const state = { residentBytes: 120 * mib, cpuMs: 500, collected: 0, after: 125 * mib };
  const running = giveBackMemory(
    {
      residentBytes: () => state.residentBytes,
      cpuMs: () => state.cpuMs,
      collect() {
        state.collected++;
        state.residentBytes = state.after;
      },
    },
    { clock, log: noLog },
  );
  const pass = async (cpuMs: number) => {
    state.cpuMs += cpuMs;
    await clock.advance(minute);
  };
  return { state, pass, running };
}

test("memory that a load left behind is given back when the load is over, once", async () => {
  const { state, pass } = aProcess();
  state.residentBytes = 300 * mib;
  await pass(30_000);
  expect(state.collected).toBe(0);
  await pass(20);
  expect(state.collected).toBe(1);
  await pass(20);
  await pass(20);
  expect(state.collected).toBe(1);
});

test("what is in use after a collection is not collected again and again", async () => {
  const { state, pass } = aProcess();
  state.residentBytes = 300 * mib;
  state.after = 290 * mib;
  await pass(20);
  await pass(20);
  expect(state.collected).toBe(1);
  state.residentBytes = 400 * mib;
  await pass(20);
  expect(state.collected).toBe(2);
});

test("nothing happens to a process that is small, or stopped", async () => {
  const { state, pass, running } = aProcess();
  state.residentBytes = 130 * mib;
  await pass(20);
  running[Symbol.dispose]();
  state.residentBytes = 300 * mib;
  await pass(20);
  expect(state.collected).toBe(0);
});
