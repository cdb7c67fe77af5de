import { describe, expect, test } from "vitest";
import type { Taint, Toleration } from "../../api/schema/types.ts";
import { stayMs } from "./decide.ts";

const noExecute = (key: string, value?: string): Taint => ({
  key,
  effect: "NoExecute",
  ...(value !== undefined && { value }),
});
const exists = (key: string, tolerationSeconds?: number): Toleration => ({
  key,
  operator: "Exists",
  effect: "NoExecute",
  ...(tolerationSeconds !== undefined && { tolerationSeconds }),
});

describe("how long a pod stays on a tainted node", () => {
  test.each<[what: string, taints: Taint[], tolerations: Toleration[], ms: number | undefined]>([
    ["for ever without taints", [], [], undefined],
    ["for ever when only new pods are kept away", [{ key: "a", effect: "NoSchedule" }], [], undefined],
    ["not at all without a toleration", [noExecute("a")], [], 0],
    ["for ever with one that has no end", [noExecute("a")], [exists("a")], undefined],
    ["as long as it says", [noExecute("a")], [exists("a", 2)], 2000],
    ["the shortest of several", [noExecute("a"), noExecute("b")], [exists("a", 60), exists("b", 2)], 2000],
    ["not at all when one of two taints is not tolerated", [noExecute("a"), noExecute("b")], [exists("a", 60)], 0],
    [
      "as long as the first of two for the same taint says",
      [noExecute("a")],
      [exists("a", 60), exists("a", 2)],
      60_000,
    ],
    ["for ever when the first says so", [noExecute("a")], [{ operator: "Exists" }, exists("a", 2)], undefined],
    ["a toleration of everything", [noExecute("a")], [{ operator: "Exists" }], undefined],
    ["a value that fits", [noExecute("a", "x")], [{ key: "a", value: "x" }], undefined],
    ["a value that does not", [noExecute("a", "x")], [{ key: "a", value: "y" }], 0],
  ])("%s", (_, taints, tolerations, ms) => {
    expect(stayMs(taints, tolerations)).toBe(ms);
  });
});
