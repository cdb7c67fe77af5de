import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerBehavior } from "../../api/schema/types.ts";
import { type Memory, normalize, nothingYet, remembered } from "./limits.ts";

const now = 1_000_000;
const anAutoscaler = (behavior?: HorizontalPodAutoscalerBehavior): HorizontalPodAutoscaler => ({
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "web", namespace: "default" },
  spec: { scaleTargetRef: { kind: "Deployment", name: "web" }, maxReplicas: 10, ...(behavior && { behavior }) },
});
const question = { current: 3, proposed: 3, min: 1, max: 10, now, downscaleStabilizationMs: 300_000 };
const earlier = (replicas: number, agoMs: number): Memory => ({
  ...nothingYet,
  recommendations: [{ replicas, atMs: now - agoMs }],
});
const onePod = { policies: [{ type: "Pods", value: 1, periodSeconds: 60 }] };

describe("what of a proposal is allowed", () => {
  test.each<{
    it: string;
    behavior?: HorizontalPodAutoscalerBehavior;
    memory?: Memory;
    ask?: Partial<typeof question>;
    replicas: number;
    able?: string;
    limited?: string;
  }>([
    { it: "all of it within the bounds", ask: { proposed: 5 }, replicas: 5 },
    { it: "no more than the maximum", ask: { current: 6, proposed: 20 }, replicas: 10, limited: "TooManyReplicas" },
    { it: "no less than the minimum", ask: { proposed: 0, min: 2 }, replicas: 2, limited: "TooFewReplicas" },
    { it: "at most twice as many at once", ask: { current: 3, proposed: 9 }, replicas: 6, limited: "ScaleUpLimit" },
    { it: "but always up to four", ask: { current: 1, proposed: 4 }, replicas: 4 },
    {
      it: "not fewer while more were needed a moment ago",
      memory: earlier(5, 60_000),
      ask: { current: 5, proposed: 2 },
      replicas: 5,
      able: "ScaleDownStabilized",
    },
    { it: "fewer when that is long ago", memory: earlier(5, 400_000), ask: { current: 5, proposed: 2 }, replicas: 2 },
    {
      it: "one more where a policy says so",
      behavior: { scaleUp: onePod },
      ask: { proposed: 6 },
      replicas: 4,
      limited: "ScaleUpLimit",
    },
    {
      it: "none more within the same period",
      behavior: { scaleUp: onePod },
      memory: { ...nothingYet, added: [{ by: 1, atMs: now - 30_000 }] },
      ask: { proposed: 6 },
      replicas: 3,
      limited: "ScaleUpLimit",
    },
    {
      it: "none fewer where that is switched off",
      behavior: { scaleDown: { selectPolicy: "Disabled", stabilizationWindowSeconds: 0 } },
      ask: { proposed: 1 },
      replicas: 3,
      limited: "ScaleDownLimit",
    },
    {
      it: "the lowest of recent proposals where growing waits",
      behavior: { scaleUp: { stabilizationWindowSeconds: 120 } },
      memory: earlier(4, 60_000),
      ask: { proposed: 8 },
      replicas: 4,
      able: "ScaleUpStabilized",
    },
    {
      it: "as many as there are where fewer were proposed a moment ago and growing waits",
      behavior: { scaleUp: { stabilizationWindowSeconds: 120 } },
      memory: earlier(1, 60_000),
      ask: { proposed: 8 },
      replicas: 3,
      able: "ScaleUpStabilized",
    },
    {
      it: "as many as there are where more were proposed a moment ago and shrinking waits",
      behavior: { scaleDown: { stabilizationWindowSeconds: 120 } },
      memory: earlier(9, 60_000),
      ask: { proposed: 1 },
      replicas: 3,
      able: "ScaleDownStabilized",
    },
  ])("$it", ({ behavior, memory = nothingYet, ask = {}, replicas, able = "ReadyForNewScale", limited }) => {
    const normalized = normalize(anAutoscaler(behavior), memory, { ...question, ...ask });
    expect([normalized.replicas, normalized.able.reason, normalized.limited.reason]).toEqual([
      replicas,
      able,
      limited ?? "DesiredWithinRange",
    ]);
  });

  test("is always within the bounds, whatever was before", () => {
    const rules = fc.constantFrom(
      undefined,
      { scaleUp: onePod },
      { scaleDown: onePod },
      { scaleUp: onePod, scaleDown: onePod },
    );
    const change = fc.record({ by: fc.nat(5), atMs: fc.integer({ min: 0, max: now }) });
    const memories = fc.record({
      recommendations: fc.array(fc.record({ replicas: fc.nat(20), atMs: fc.integer({ min: 0, max: now }) })),
      added: fc.array(change),
      removed: fc.array(change),
    });
    fc.assert(
      fc.property(
        rules,
        memories,
        fc.integer({ min: 1, max: 10 }),
        fc.nat(30),
        (behavior, memory, current, proposed) => {
          const { replicas } = normalize(anAutoscaler(behavior), memory, { ...question, current, proposed });
          expect(replicas).toBeGreaterThanOrEqual(1);
          expect(replicas).toBeLessThanOrEqual(10);
          if (behavior && proposed >= current) expect(replicas).toBeGreaterThanOrEqual(current);
          if (behavior && proposed <= current) expect(replicas).toBeLessThanOrEqual(current);
        },
      ),
    );
  });

  test("remembers changes for as long as a policy may ask", () => {
    const memory = { ...nothingYet, added: [{ by: 1, atMs: now - 61_000 }] };
    const after = remembered(anAutoscaler({ scaleUp: onePod }), memory, { from: 3, to: 4, now });
    expect(after.added).toEqual([{ by: 1, atMs: now }]);
  });
});
