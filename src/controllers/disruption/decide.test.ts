import { describe, expect, test } from "vitest";
import type { Pod, PodDisruptionBudget } from "../../api/schema/types.ts";
import { decide, type Observed } from "./decide.ts";

const now = Date.UTC(2026, 0, 1);
const aBudget = (spec: PodDisruptionBudget["spec"], status = {}): PodDisruptionBudget => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "web", generation: 1 },
  spec,
  status,
});
const aPod = (name: string, { ready = true, leaving = false } = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, ...(leaving && { deletionTimestamp: "2026-01-01T00:00:00Z" }) },
  spec: { containers: [] },
  status: { phase: "Running", conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
});
const three = [aPod("a"), aPod("b"), aPod("c")];
const quiet: Observed = {
  budget: aBudget({ minAvailable: 2 }),
  pods: three,
  scales: { wanted: 3, someUnmanaged: false },
  now,
};

describe("disruption decide()", () => {
  test.each<[name: string, given: Partial<Observed>, allowed: number, healthy: number, desired: number]>([
    ["allows what is above the least number", {}, 1, 3, 2],
    [
      "counts only ready pods that stay",
      { pods: [aPod("a"), aPod("b", { ready: false }), aPod("c", { leaving: true })] },
      0,
      1,
      2,
    ],
    ["rounds what may be unavailable up", { budget: aBudget({ maxUnavailable: "30%" }) }, 1, 3, 2],
    ["rounds the least share up", { budget: aBudget({ minAvailable: "50%" }) }, 1, 3, 2],
    [
      "allows nothing of pods that nobody controls",
      { budget: aBudget({ maxUnavailable: 1 }), scales: { wanted: 0, someUnmanaged: true } },
      0,
      3,
      0,
    ],
    [
      "counts what was evicted again when nobody removes it",
      { budget: aBudget({ minAvailable: 2 }, { disruptedPods: { a: "2025-12-31T23:57:59Z" } }) },
      1,
      3,
      2,
    ],
    ["allows nothing where there is nothing", { pods: [], scales: { wanted: 0, someUnmanaged: true } }, 0, 0, 2],
  ])("%s", (_, given, disruptionsAllowed, currentHealthy, desiredHealthy) => {
    expect(decide({ ...quiet, ...given }).status).toMatchObject({ disruptionsAllowed, currentHealthy, desiredHealthy });
  });

  test("tells of a pod that was evicted and is still there", () => {
    const budget = aBudget(
      { minAvailable: 2 },
      { disruptedPods: { a: "2025-12-31T23:57:59Z", gone: "2025-12-31T23:57:59Z" } },
    );
    expect(decide({ ...quiet, budget }).overdue).toEqual([three[0]]);
  });

  test("says that bare pods cannot be counted", () => {
    const selector = { matchLabels: { b: "2", a: "1" } };
    const scales = { wanted: 0, someUnmanaged: true };
    const [one] = decide({ ...quiet, scales, budget: aBudget({ maxUnavailable: 1, selector }) }).news;
    expect(one?.message).toContain(
      "(selector: &LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{},})",
    );
    expect(decide({ ...quiet, scales }).news).toEqual([]);
  });

  test("allows nothing while the goal cannot be told", () => {
    const failure = "jobs.batch does not implement the scale subresource";
    const scales = { wanted: 0, someUnmanaged: false, failure };
    const { status, news } = decide({ ...quiet, scales, budget: aBudget({ maxUnavailable: 1 }) });
    expect([status.disruptionsAllowed, status.conditions?.[0]?.reason]).toEqual([0, "SyncFailed"]);
    expect(news.map(({ message }) => message)).toEqual([`Failed to calculate the number of expected pods: ${failure}`]);
    expect(status).not.toHaveProperty("observedGeneration");
    expect(status.conditions?.[0]).not.toHaveProperty("observedGeneration");
  });

  test("counts an evicted pod as gone for two minutes, then as before", () => {
    const budget = aBudget({ minAvailable: 2 }, { disruptedPods: { a: new Date(now).toISOString() } });
    expect(decide({ ...quiet, budget })).toMatchObject({ status: { currentHealthy: 2 }, againMs: 120_000 });
    const later = decide({ ...quiet, budget, now: now + 120_000 });
    expect(later.status.currentHealthy).toBe(3);
    expect(later.status.disruptedPods).toBeUndefined();
  });
});
