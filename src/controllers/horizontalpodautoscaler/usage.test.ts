import { describe, expect, test } from "vitest";
import type { Pod } from "../../api/schema/types.ts";
import {
  type PodMetrics,
  replicasForAverage,
  replicasForPart,
  replicasForUtilization,
  replicasForValue,
  type UsageSettings,
} from "./usage.ts";

const now = Date.parse("2030-01-01T01:00:00Z");
const settings: UsageSettings = {
  now,
  cpuInitializationMs: 300_000,
  initialReadinessDelayMs: 30_000,
  tolerances: { up: 0.1, down: 0.1 },
};

interface PodSeed {
  name?: string;
  phase?: string;
  ready?: boolean;
  startedAt?: string;
  readyAt?: string;
  leaving?: boolean;
  cpu?: string | undefined;
}
const aPod = ({
  name = "a",
  phase = "Running",
  ready = true,
  startedAt = "2030-01-01T00:00:00Z",
  readyAt = "2030-01-01T00:10:00Z",
  leaving = false,
  cpu = "100m",
}: PodSeed = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", ...(leaving && { deletionTimestamp: "2030-01-01T00:59:00Z" }) },
  spec: { containers: [{ name: "app", resources: { requests: cpu ? { cpu } : {} } }] },
  status: {
    phase,
    startTime: startedAt,
    conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: readyAt }],
  },
});
const pods = (...names: string[]): Pod[] => names.map((name) => aPod({ name }));
const using = (milli: number, ...names: string[]): PodMetrics =>
  new Map(names.map((name) => [name, { value: milli, atMs: now, windowMs: 30_000 }]));

describe("replicas for a utilization of 50 per cent", () => {
  const ask = (given: readonly Pod[], metrics: PodMetrics, current = given.length) =>
    replicasForUtilization({ current, pods: given, metrics, resource: "cpu", settings, target: 50 });

  test.each<[name: string, pods: Pod[], metrics: PodMetrics, replicas: number, utilization: number]>([
    ["twice as many where twice as much is used", pods("a", "b"), using(100, "a", "b"), 4, 100],
    ["fewer where less is used", pods("a", "b", "c", "d"), using(25, "a", "b", "c", "d"), 2, 25],
    ["as many where it is close enough", pods("a", "b"), using(54, "a", "b"), 2, 54],
    ["more, but not for pods without figures", pods("a", "b"), using(200, "a"), 4, 200],
    ["not fewer where a pod without figures may need what it asks for", pods("a", "b"), using(10, "a"), 2, 10],
    [
      "more, where pods that begin count as idle",
      [...pods("a"), aPod({ name: "b", phase: "Pending" })],
      using(200, "a"),
      4,
      200,
    ],
    ["without pods that leave", [...pods("a"), aPod({ name: "b", leaving: true })], using(100, "a", "b"), 2, 100],
    [
      "not yet by what a starting program uses",
      [...pods("a"), aPod({ name: "b", ready: false, startedAt: "2030-01-01T00:59:00Z" })],
      using(50, "a", "b"),
      2,
      50,
    ],
  ])("%s", (_, given, metrics, replicas, utilization) => {
    expect(ask(given, metrics)).toMatchObject({ replicas, utilization });
  });

  test.each<[what: string, pods: Pod[], metrics: PodMetrics, message: string]>([
    ["no pods", [], using(1, "a"), "no pods returned by selector while calculating replica count"],
    [
      "pods that ask for nothing",
      [aPod({ cpu: "" })],
      using(1, "a"),
      "missing request for cpu in container app of Pod a",
    ],
    [
      "figures of no ready pod",
      [aPod({ phase: "Pending" })],
      using(1, "a"),
      "did not receive metrics for targeted pods (pods might be unready)",
    ],
    [
      "figures of no ready pod, whatever it asks for",
      [aPod({ phase: "Pending", cpu: "" })],
      using(1, "a"),
      "did not receive metrics for targeted pods (pods might be unready)",
    ],
  ])("cannot be worked out from %s", (_, given, metrics, message) => {
    expect(() => ask(given, metrics)).toThrow(message);
  });
});

test("an average value is held to its target", () => {
  const question = { current: 2, pods: pods("a", "b"), metrics: using(300, "a", "b"), resource: "memory", settings };
  expect(replicasForAverage({ ...question, target: 100 })).toEqual({ replicas: 6, average: 300 });
});

test("a pod without a figure changes nothing where the others are on target", () => {
  const question = { current: 3, pods: pods("a", "b", "c"), metrics: using(100, "a", "b"), resource: "", settings };
  expect(replicasForAverage({ ...question, target: 100 })).toEqual({ replicas: 3, average: 100 });
});

test.each<[name: string, current: number, value: number, replicas: number]>([
  ["in proportion to the ready pods", 2, 300, 6],
  ["as many where it is close enough", 2, 105, 2],
  ["from nothing", 0, 250, 3],
])("a value of an object: %s", (_, current, value, replicas) => {
  const question = { current, pods: pods("a", "b"), value, target: 100, tolerances: settings.tolerances };
  expect(replicasForValue(question)).toBe(replicas);
});

test("a value that is shared is divided", () => {
  const question = { current: 2, value: 500, target: 100, tolerances: settings.tolerances };
  expect(replicasForPart(question)).toEqual({ replicas: 5, average: 250 });
});
