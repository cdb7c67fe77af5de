import { describe, expect, test } from "vitest";
import { wrongWithNew } from "../testing/judge.ts";
import { horizontalPodAutoscaler } from "./horizontal-pod-autoscaler.ts";

const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "d" };
const half = { type: "Utilization", averageUtilization: 50 };
const average = { type: "AverageValue", averageValue: "1" };

describe("autoscalers", () => {
  test.each<[string, spec: object, wrong: string[]]>([
    ["a good one", {}, []],
    ["the core group's kind", { scaleTargetRef: { kind: "ReplicationController", name: "r", apiVersion: "v1" } }, []],
    [
      "a target of no group",
      { scaleTargetRef: { ...scaleTargetRef, apiVersion: "v1" } },
      ['spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group'],
    ],
    [
      "a metric without a type",
      { metrics: [{ resource: { name: "cpu", target: half } }] },
      [
        "spec.metrics[0].type: Required value: must specify a metric source type",
        'spec.metrics[0].type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
        'spec.metrics[0].type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
      ],
    ],
    [
      "a metric without its source",
      { metrics: [{ type: "Resource", pods: { metric: { name: "m" }, target: average } }] },
      ["spec.metrics[0].resource: Required value: must populate information for the given metric source"],
    ],
    [
      "a metric of two sources",
      {
        metrics: [
          { type: "Pods", resource: { name: "cpu", target: half }, pods: { metric: { name: "m" }, target: average } },
        ],
      },
      ["spec.metrics[0].resource: Forbidden: must populate the given metric source only"],
    ],
    [
      "no container",
      { metrics: [{ type: "ContainerResource", containerResource: { name: "cpu", container: "", target: half } }] },
      ["spec.metrics[0].containerResource.container: Required value: must specify a container"],
    ],
    [
      "a target without a type",
      { metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "", averageUtilization: 50 } } }] },
      [
        "spec.metrics[0].resource.target.type: Required value: must specify a metric target type",
        'spec.metrics[0].resource.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue',
      ],
    ],
    [
      "a tolerance below nothing",
      { behavior: { scaleUp: { tolerance: "-1" } } },
      ['spec.behavior.scaleUp.tolerance: Invalid value: "-1": must be greater than or equal to 0'],
    ],
  ])("%s", (_, spec, wrong) => {
    expect(wrongWithNew(horizontalPodAutoscaler, { spec: { scaleTargetRef, maxReplicas: 3, ...spec } })).toEqual(wrong);
  });
});
