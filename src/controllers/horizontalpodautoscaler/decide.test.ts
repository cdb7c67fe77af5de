import { describe, expect, test } from "vitest";
import type { HorizontalPodAutoscaler } from "../../api/schema/types.ts";
import { decide, noSelector, notScaled, type Observed } from "./decide.ts";
import type { Judgement } from "./judge.ts";
import { nothingYet } from "./limits.ts";

const autoscaler: HorizontalPodAutoscaler = {
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "web", namespace: "default" },
  spec: { scaleTargetRef: { kind: "Deployment", name: "web" }, minReplicas: 2, maxReplicas: 5 },
};
const proposal = (replicas: number): Judgement => ({
  sort: "proposal",
  replicas,
  name: "cpu resource",
  status: { type: "Resource", resource: { name: "cpu", current: { averageValue: "1" } } },
});
const fault: Judgement = {
  sort: "fault",
  reason: "FailedGetPodsMetric",
  message: "no figures",
  wrapped: "pods: no figures",
};
const judged = (...judgements: Judgement[]) => ({ sort: "judged", judgements }) as const;
const quiet: Observed = {
  autoscaler,
  target: { sort: "there", replicas: 3 },
  metrics: judged(proposal(3)),
  memory: { ...nothingYet, recommendations: [{ replicas: 3, atMs: 0 }] },
  now: Date.parse("2030-01-01T00:00:00Z"),
  downscaleStabilizationMs: 0,
};
const size = (replicas: number) => ({ target: { sort: "there", replicas } }) as const;

describe("the horizontal pod autoscaler", () => {
  test.each<[name: string, given: Partial<Observed>, scaleTo: number | undefined, told: string[]]>([
    ["does nothing where the figures are right", {}, undefined, []],
    [
      "grows",
      { metrics: judged(proposal(4)) },
      4,
      ["SuccessfulRescale: New size: 4; reason: cpu resource above target"],
    ],
    [
      "shrinks",
      { metrics: judged(proposal(2)) },
      2,
      ["SuccessfulRescale: New size: 2; reason: All metrics below target"],
    ],
    [
      "believes the metric that wants most",
      { metrics: judged(proposal(2), proposal(5)) },
      5,
      ["SuccessfulRescale: New size: 5; reason: cpu resource above target"],
    ],
    [
      "raises what is below the minimum without asking",
      { ...size(1), metrics: undefined },
      2,
      ["SuccessfulRescale: New size: 2; reason: Current number of replicas below Spec.MinReplicas"],
    ],
    [
      "lowers what is above the maximum without asking",
      { ...size(9), metrics: undefined },
      5,
      ["SuccessfulRescale: New size: 5; reason: Current number of replicas above Spec.MaxReplicas"],
    ],
    ["leaves a target alone that was set to zero", { ...size(0), metrics: undefined }, undefined, []],
    [
      "says when the target is missing",
      { target: { sort: "absent", message: "not found" }, metrics: undefined },
      undefined,
      ["FailedGetScale: not found"],
    ],
    [
      "says when the target does not say which pods are its own",
      { metrics: noSelector },
      undefined,
      ["SelectorRequired: selector is required", "FailedComputeMetricsReplicas: selector is required"],
    ],
    [
      "does nothing without any figures",
      { metrics: judged(fault) },
      undefined,
      [
        "FailedGetPodsMetric: no figures",
        "FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: pods: no figures",
      ],
    ],
    [
      "grows by the figures that there are",
      { metrics: judged(fault, proposal(5)) },
      5,
      ["FailedGetPodsMetric: no figures", "SuccessfulRescale: New size: 5; reason: cpu resource above target"],
    ],
    [
      "does not shrink by some of the figures",
      { metrics: judged(fault, proposal(2)) },
      undefined,
      [
        "FailedGetPodsMetric: no figures",
        "FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 2), first error is: pods: no figures",
      ],
    ],
  ])("%s", (_, given, scaleTo, told) => {
    const decision = decide({ ...quiet, ...given });
    expect(decision.scaleTo).toBe(scaleTo);
    expect(decision.news.map(({ reason, message }) => `${reason}: ${message}`)).toEqual(told);
  });

  test("keeps its conditions in the order in which they came", () => {
    const { status } = decide(quiet);
    expect(status.conditions?.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`)).toEqual([
      "AbleToScale True ReadyForNewScale",
      "ScalingActive True ValidMetricFound",
      "ScalingLimited False DesiredWithinRange",
    ]);
    expect(status).toMatchObject({ currentReplicas: 3, desiredReplicas: 3 });
    expect(status).not.toHaveProperty("lastScaleTime");
  });

  test("says when the target refuses its new size, and keeps the old wish", () => {
    const observed = { ...quiet, metrics: judged(proposal(4)) };
    const { status, news } = notScaled(observed, decide(observed), "quota");
    expect(status).toMatchObject({ desiredReplicas: 0 });
    expect(status.conditions?.[0]).toMatchObject({ type: "AbleToScale", status: "False", reason: "FailedUpdateScale" });
    expect(news[0]?.message).toBe("New size: 4; reason: cpu resource above target; error: quota");
  });
});
