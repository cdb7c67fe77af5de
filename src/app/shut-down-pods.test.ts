import { expect, test, vi } from "vitest";
import { noLog } from "../base/log.ts";
import { shutDownPods } from "./shut-down-pods.ts";

test.each<[name: string, seconds: number, goesDown: boolean, calls: number]>([
  ["pods end when the machine goes down and they are given time", 30, true, 1],
  ["they run on when only skiff stops", 30, false, 0],
  ["they are left to Docker when no time is given", 0, true, 0],
])("%s", async (_, seconds, goesDown, calls) => {
  const shutDown = vi.fn(async () => {});
  await shutDownPods({ shutDown }, { seconds, criticalSeconds: 0 }, { log: noLog, isGoingDown: async () => goesDown });
  expect(shutDown).toHaveBeenCalledTimes(calls);
});
