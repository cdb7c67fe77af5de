import { expect, test } from "vitest";
import { noLog } from "../base/log.ts";
import { fakeClock } from "../base/testing/fake-clock.ts";
import { giveBackMemory } from "./give-back-memory.ts";

const mib = 1024 * 1024;
const second = 1_000;

function aProcess() {
  const clock = fakeClock();
  const state = {
    anonymousBytes: 120 * mib,
    usedBytes: 100 * mib,
    cpuMs: 500,
    collected: 0,
    trimmed: 0,
    after: 125 * mib,
    heldBytes: 1 * mib,
  };
  let noticed: ((whole: boolean) => void) | undefined;
  const running = giveBackMemory(
    {
      anonymousBytes: () => state.anonymousBytes,
      otherBytes: () => state.anonymousBytes - state.usedBytes,
      cpuMs: () => state.cpuMs,
      onCollection(notice) {
        noticed = notice;
        return { [Symbol.dispose]: () => void (noticed = undefined) };
      },
      trim() {
        state.trimmed++;
        state.anonymousBytes -= 10 * mib;
      },
      collect() {
        state.collected++;
        state.anonymousBytes = state.after;
      },
    },
    { clock, log: noLog, heldBytes: () => state.heldBytes },
  );
  /** Ten seconds, or as many, in each of which so much is computed. */
  const pass = async (cpuMs: number, seconds = 10) => {
    for (let i = 0; i < seconds; i++) {
      state.cpuMs += cpuMs;
      await clock.advance(second);
    }
  };
  const garbage = (kind: "young" | "whole") => noticed?.(kind === "whole");
  return { state, pass, garbage, running, clock };
}

/** One that has given back what its start took. */
async function aSettledProcess() {
  const process = aProcess();
  await process.pass(2);
  process.state.collected = 0;
  return process;
}

test("what the start took is given back in the first quiet second, and when all is quiet", async () => {
  const { state, pass } = aProcess();
  await pass(500);
  expect(state.collected).toBe(0);
  await pass(2, 1);
  expect(state.collected).toBe(1);
  await pass(2);
  expect(state.collected).toBe(2);
});

test("memory that a load left behind is given back in the first quiet second, once", async () => {
  const { state, pass, garbage } = await aSettledProcess();
  state.anonymousBytes = 300 * mib;
  garbage("young");
  await pass(500);
  expect(state.collected).toBe(0);
  await pass(2, 1);
  expect(state.collected).toBe(1);
  garbage("young");
  await pass(2);
  expect(state.collected).toBe(1);
});

test("what is little is given back when all is quiet", async () => {
  const { state, pass, garbage } = await aSettledProcess();
  state.anonymousBytes = state.after + 20 * mib;
  garbage("young");
  await pass(2, 5);
  expect(state.collected).toBe(0);
  await pass(2, 5);
  expect(state.collected).toBe(1);
});

test("what is in use after a collection is not collected again and again", async () => {
  const { state, pass, garbage } = await aSettledProcess();
  state.anonymousBytes = 300 * mib;
  state.after = 290 * mib;
  garbage("young");
  await pass(2);
  state.collected = 0;
  for (let turn = 0; turn < 3; turn++) {
    garbage("young");
    await pass(2);
  }
  expect(state.collected).toBe(0);
  state.anonymousBytes = 400 * mib;
  garbage("young");
  await pass(2);
  expect(state.collected).toBe(1);
});

test("garbage where there was data before is given back although the process has not grown", async () => {
  const { state, pass, garbage } = await aSettledProcess();
  garbage("young");
  await pass(900);
  await pass(2);
  expect(state.collected).toBe(0);
  garbage("young");
  await pass(100);
  await pass(2);
  expect(state.collected).toBe(1);
});

test("in the middle of a load memory is given back when half of much data was deleted", async () => {
  const { state, garbage } = await aSettledProcess();
  const held = (mebibytes: number) => {
    state.heldBytes = mebibytes * mib;
    garbage("young");
    return state.collected;
  };
  expect([60, 31, 29, 16, 14, 8, 6, 0].map(held)).toEqual([0, 0, 1, 1, 2, 2, 2, 3]);
});

test("under load free pages are given back when the whole heap was collected and enough has come together", async () => {
  const { state, garbage } = await aSettledProcess();
  state.anonymousBytes = 300 * mib;
  garbage("young");
  garbage("whole");
  expect(state.trimmed).toBe(0);
  garbage("young");
  garbage("whole");
  garbage("young");
  expect(state.trimmed).toBe(1);
  state.anonymousBytes = 400 * mib;
  garbage("whole");
  garbage("young");
  expect(state.trimmed).toBe(2);
});

test("under load what was freed since the last time is given back although the process has not grown", async () => {
  const { state, garbage } = await aSettledProcess();
  state.anonymousBytes = 300 * mib;
  state.usedBytes = 280 * mib;
  garbage("whole");
  garbage("young");
  expect(state.trimmed).toBe(0);
  state.usedBytes = 150 * mib;
  garbage("whole");
  garbage("young");
  expect(state.trimmed).toBe(1);
});

test("a process in which nothing is collected has no timer", async () => {
  const { clock, pass, garbage } = await aSettledProcess();
  expect(clock.waiting).toBe(0);
  garbage("young");
  expect(clock.waiting).toBe(2);
  await pass(2);
  expect(clock.waiting).toBe(0);
});

test("a process that is stopped does nothing", async () => {
  const { state, pass, garbage, running } = await aSettledProcess();
  garbage("young");
  running[Symbol.dispose]();
  state.anonymousBytes = 300 * mib;
  garbage("whole");
  await pass(2);
  expect(state.collected + state.trimmed).toBe(0);
});
