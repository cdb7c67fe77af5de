import { describe, expect, test } from "vitest";
import type { Pod } from "../../api/schema/types.ts";
import { staleInMs } from "./stale.ts";

const now = Date.UTC(2026, 0, 1);
const aPod = ({ status = "True", reason = "EvictionByEvictionAPI", phase = "Running", leaving = false } = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", ...(leaving && { deletionTimestamp: "2026-01-01T00:00:00Z" }) },
  spec: { containers: [] },
  status: {
    phase,
    conditions: [{ type: "DisruptionTarget", status, reason, lastTransitionTime: "2026-01-01T00:00:00Z" }],
  },
});

describe("a pod that was to be disrupted", () => {
  test.each<[what: string, pod: Pod, after: number, waits: number | undefined]>([
    ["has two minutes", aPod(), 30_000, 90_000],
    ["is as any other then", aPod(), 120_000, 0],
    ["is on its way when it is leaving", aPod({ leaving: true }), 120_000, undefined],
    ["stays so when it has ended", aPod({ phase: "Failed" }), 120_000, undefined],
    ["stays so when its kubelet says it", aPod({ reason: "TerminationByKubelet" }), 120_000, undefined],
    ["is not asked twice", aPod({ status: "False" }), 120_000, undefined],
  ])("%s", (_, pod, after, waits) => {
    expect(staleInMs(pod, now + after)).toBe(waits);
  });
});
