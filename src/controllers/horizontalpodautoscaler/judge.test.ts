import { describe, expect, test } from "vitest";
import type { MetricSpec, Pod } from "../../api/schema/types.ts";
import type { Client } from "../../client/client.ts";
import { judge } from "./judge.ts";
import { type MetricsSource, metricsSource } from "./metrics.ts";
import { MetricFault } from "./usage.ts";

const gone = (): never => {
  throw new MetricFault("gone");
};
const silent: MetricsSource = {
  resource: async () => gone(),
  pods: async () => gone(),
  object: async () => gone(),
  external: async () => gone(),
};
const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default" },
  spec: { containers: [{ name: "app", resources: { requests: { cpu: "100m" } } }] },
  status: {
    phase: "Running",
    startTime: "2026-01-01T00:00:00Z",
    conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }],
  },
};
const now = Date.parse("2026-01-01T01:00:00Z");
const options = (source: MetricsSource) => ({
  namespace: "default",
  selector: "app=web",
  pods: [pod],
  specReplicas: 1,
  statusReplicas: 1,
  settings: { now, cpuInitializationMs: 0, initialReadinessDelayMs: 0, tolerances: { up: 0.1, down: 0.1 } },
  source,
  describe: () => ({ group: "", plural: "services", kind: "Service", name: "web" }),
});
const cpu = { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } };
const metric = { name: "rps" };
const describedObject = { apiVersion: "v1", kind: "Service", name: "web" };
const average = { type: "AverageValue", averageValue: "1" };
const whole = { type: "Value", value: "1" };

describe("a metric that cannot be had", () => {
  test.each<[name: string, spec: MetricSpec, message: string, wrapped: string]>([
    [
      "of a container",
      { type: "ContainerResource", containerResource: { ...cpu, container: "app" } },
      "failed to get cpu utilization: unable to get metrics for resource cpu: gone",
      "failed to get app container metric value: ",
    ],
    [
      "of an object",
      { type: "Object", object: { metric, describedObject, target: whole } },
      "unable to get metric rps: Service on default web/gone",
      "failed to get object metric value: ",
    ],
    [
      "of an object, in equal parts",
      { type: "Object", object: { metric, describedObject, target: average } },
      "unable to get metric rps: Service on default web/gone",
      "failed to get object metric value: failed to get rps object metric: ",
    ],
    [
      "from outside",
      { type: "External", external: { metric, target: whole } },
      "unable to get external metric default/rps/nil: gone",
      "failed to get rps external metric value: failed to get external metric rps: ",
    ],
    [
      "from outside, in equal parts",
      { type: "External", external: { metric, target: average } },
      "unable to get external metric default/rps/nil: gone",
      "failed to get rps external metric value: failed to get rps external metric: ",
    ],
  ])("%s", async (_, spec, message, wrapped) => {
    expect(await judge(spec, options(silent))).toMatchObject({ sort: "fault", message, wrapped: wrapped + message });
  });
});

test.each<[spec: MetricSpec, name: string]>([
  [{ type: "Resource", resource: cpu }, "cpu resource utilization (percentage of request)"],
  [
    { type: "ContainerResource", containerResource: { ...cpu, container: "app" } },
    "cpu container resource utilization (percentage of request)",
  ],
  [{ type: "Resource", resource: { name: "cpu", target: average } }, "cpu resource"],
  [
    { type: "ContainerResource", containerResource: { name: "cpu", container: "app", target: average } },
    "cpu resource",
  ],
])("a size is said to come from the metric by its name (%#)", async (spec, name) => {
  const source = {
    ...silent,
    resource: async () => new Map([["web", { value: 50, atMs: now, windowMs: 0 }]]),
  };
  expect(await judge(spec, options(source))).toMatchObject({ sort: "proposal", name });
});

test("a pod that does not run the container is left out of its figures", async () => {
  const figures = (name: string, ...containers: string[]) => ({
    metadata: { name, namespace: "default" },
    timestamp: "2026-01-01T01:00:00Z",
    window: "30s",
    containers: containers.map((container) => ({ name: container, usage: { cpu: "50m" } })),
  });
  const request = async () => ({ items: [figures("a", "app", "log"), figures("b", "app"), figures("c")] });
  const source = metricsSource({ transport: { request } } as unknown as Client);
  const question = { resource: "cpu", namespace: "default", selector: "app=web" };
  expect([...(await source.resource({ ...question, container: "log" })).keys()]).toEqual(["a"]);
  expect([...(await source.resource({ ...question, container: undefined })).keys()]).toEqual(["a", "b"]);
});
