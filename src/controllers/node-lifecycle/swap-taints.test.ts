import { describe, expect, test } from "vitest";
import type { Taint } from "../../api/schema/types.ts";
import { swapped, taintSwap } from "./swap-taints.ts";

const notReady: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
const evicting: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoExecute" };
const foreign: Taint = { key: "team", effect: "NoSchedule" };

describe("swapping taints", () => {
  test.each<[name: string, decided: [before: Taint[], after: Taint[]], live: Taint[], then: Taint[]]>([
    ["puts on what is missing", [[], [notReady]], [], [notReady]],
    ["takes off what goes, of this effect only", [[notReady, evicting], [evicting]], [notReady, evicting], [evicting]],
    ["leaves what others have put there meanwhile", [[notReady], []], [notReady, foreign], [foreign]],
    ["puts nothing on twice", [[], [notReady]], [notReady], [notReady]],
    ["takes nothing off that has gone already", [[notReady], []], [], []],
  ])("%s", (_, [before, after], live, then) => {
    expect(swapped(live, taintSwap(before, after))).toEqual(then);
  });
});
