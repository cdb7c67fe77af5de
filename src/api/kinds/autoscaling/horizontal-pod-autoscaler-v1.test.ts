import { expect, test } from "vitest";
import { sent } from "../testing/judge.ts";
import { horizontalPodAutoscalerV1 } from "./horizontal-pod-autoscaler-v1.ts";

const target = { apiVersion: "apps/v1", kind: "Deployment", name: "d" };

test("an autoscaler in the older version goes by the CPU unless it says by what", () => {
  const object = sent(horizontalPodAutoscalerV1, { spec: { scaleTargetRef: target, maxReplicas: 3 } });
  expect(object.spec).toMatchObject({ minReplicas: 1, targetCPUUtilizationPercentage: 80 });
});

test("what is stored without metrics is seen in the older version too", () => {
  const held = {
    metadata: { name: "one" },
    spec: { scaleTargetRef: target, maxReplicas: 3, metrics: null },
    status: { currentMetrics: null, desiredReplicas: 0 },
  };
  expect(horizontalPodAutoscalerV1.stored?.from(held)).toEqual({
    metadata: { name: "one" },
    spec: { scaleTargetRef: target, maxReplicas: 3 },
    status: { currentReplicas: 0, desiredReplicas: 0 },
  });
});
