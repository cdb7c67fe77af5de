import { expect, test } from "vitest";
import type { AnyObject } from "../../api/object.ts";
import { quotaEvaluatorOf } from "../../api/quota/evaluator.ts";
import type { ResourceQuotaSpec } from "../../api/schema/types.ts";
import { statusFrom } from "./decide.ts";

const aQuota = (spec: ResourceQuotaSpec) => ({
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "few", namespace: "default" },
  spec,
});

const aPod = (cpu: string, { phase = "Running", priorityClassName = "" } = {}): AnyObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "a" },
  spec: {
    containers: [{ name: "a", resources: { requests: { cpu } } }],
    ...(priorityClassName && { priorityClassName }),
  },
  status: { phase },
});

function used(spec: ResourceQuotaSpec, pods: readonly AnyObject[]): unknown {
  const evaluator = quotaEvaluatorOf("pods");
  return evaluator && statusFrom(aQuota(spec), [{ evaluator, objects: pods }], 0).used;
}

test("sums up what pods use", () => {
  const hard = { pods: "4", "requests.cpu": "2" };
  expect(used({ hard }, [aPod("200m"), aPod("100m")])).toEqual({ pods: "2", "requests.cpu": "300m" });
});

test("says zero where nothing is used, and nothing of what it cannot count", () => {
  expect(used({ hard: { pods: "1", "count/widgets.example.com": "1" } }, [])).toEqual({ pods: "0" });
});

test("a pod that has ended keeps only its place in the store", () => {
  const hard = { pods: "2", "count/pods": "2" };
  expect(used({ hard }, [aPod("1", { phase: "Succeeded" })])).toEqual({ pods: "0", "count/pods": "1" });
});

test("counts only what is in its scope", () => {
  const scopeSelector = {
    matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: ["high"] }],
  };
  const pods = [aPod("1"), aPod("1", { priorityClassName: "high" })];
  expect(used({ hard: { pods: "2" }, scopeSelector }, pods)).toEqual({ pods: "1" });
});
