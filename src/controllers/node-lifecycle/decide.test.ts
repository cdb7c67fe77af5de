import { describe, expect, test } from "vitest";
import type { Node, NodeCondition, Taint } from "../../api/schema/types.ts";
import { type Decision, decide, type Observed } from "./decide.ts";

const now = Date.UTC(2026, 0, 1);
const time = "2026-01-01T00:00:00Z";
const condition = (type: string, status: string): NodeCondition => ({ type, status });
const aNode = ({
  conditions = [condition("Ready", "True")],
  taints = [],
  labels = {},
  unschedulable = false,
}: {
  conditions?: NodeCondition[];
  taints?: Taint[];
  labels?: Record<string, string>;
  unschedulable?: boolean;
} = {}) =>
  ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n1", labels, creationTimestamp: time },
    spec: { taints, unschedulable },
    status: { conditions },
  }) as Node;
const quiet: Observed = {
  node: aNode(),
  heardAtMs: now - 5_000,
  now,
  graceMs: 40_000,
  startupGraceMs: 60_000,
  othersAreDown: false,
  turnMs: 0,
};
const taint = (name: string, effect: string) => ({ key: `node.kubernetes.io/${name}`, effect });
const effects = (taints: readonly Taint[]) => taints.map(({ key, effect }) => ({ key, effect }));
const silent = { heardAtMs: now - 41_000 };

describe("node lifecycle decide()", () => {
  test.each<
    [
      what: string,
      given: Partial<Observed>,
      then: { scheduling?: object[]; execution?: object[]; fellSilent?: boolean },
    ]
  >([
    ["leaves a node alone that is heard of", {}, {}],
    [
      "taints a silent node, first against new pods, then against all",
      silent,
      {
        scheduling: [taint("unreachable", "NoSchedule")],
        execution: [taint("unreachable", "NoSchedule"), taint("unreachable", "NoExecute")],
        fellSilent: true,
      },
    ],
    [
      "evicts nobody when every other node is down too",
      { ...silent, othersAreDown: true },
      { scheduling: [taint("unreachable", "NoSchedule")], fellSilent: true },
    ],
    [
      "evicts nobody before it is the node's turn",
      { ...silent, turnMs: 3000 },
      { scheduling: [taint("unreachable", "NoSchedule")], fellSilent: true },
    ],
    [
      "exchanges one taint for another without waiting for a turn",
      {
        ...silent,
        turnMs: undefined,
        node: aNode({ conditions: [condition("Ready", "False")], taints: [taint("not-ready", "NoExecute")] }),
      },
      {
        scheduling: [taint("not-ready", "NoExecute"), taint("unreachable", "NoSchedule")],
        execution: [taint("unreachable", "NoSchedule"), taint("unreachable", "NoExecute")],
      },
    ],
    [
      "taints a node that says it is not ready",
      { node: aNode({ conditions: [condition("Ready", "False")] }) },
      {
        scheduling: [taint("not-ready", "NoSchedule")],
        execution: [taint("not-ready", "NoSchedule"), taint("not-ready", "NoExecute")],
      },
    ],
    [
      "taints by pressure",
      {
        node: aNode({
          conditions: ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"].map((type) =>
            condition(type, "True"),
          ),
        }),
      },
      {
        scheduling: ["memory-pressure", "disk-pressure", "pid-pressure", "network-unavailable"].map((name) =>
          taint(name, "NoSchedule"),
        ),
      },
    ],
    [
      "taints a cordoned node",
      { node: aNode({ unschedulable: true }) },
      { scheduling: [taint("unschedulable", "NoSchedule")] },
    ],
    [
      "takes the taints off when it is back",
      { node: aNode({ taints: [taint("unreachable", "NoSchedule"), taint("unreachable", "NoExecute")] }) },
      { scheduling: [taint("unreachable", "NoExecute")], execution: [] },
    ],
    [
      "leaves others' taints alone",
      { node: aNode({ taints: [{ key: "mine", effect: "NoExecute" }] }) },
      { scheduling: [{ key: "mine", effect: "NoExecute" }] },
    ],
    ["gives a node that never spoke more time", { ...silent, node: aNode({ conditions: [] }) }, {}],
  ])("%s", (_, given, { scheduling = [], execution = scheduling, fellSilent = false }) => {
    const decision = decide({ ...quiet, ...given });
    expect([effects(decision.scheduling), effects(decision.execution), decision.fellSilent]).toEqual([
      scheduling,
      execution,
      fellSilent,
    ]);
  });

  test("turns every condition of a silent node Unknown, and adds those never reported", () => {
    const { conditions } = decide({ ...quiet, ...silent }) as Required<Decision>;
    expect(conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ["Ready", "Unknown", "NodeStatusUnknown"],
      ["MemoryPressure", "Unknown", "NodeStatusNeverUpdated"],
      ["DiskPressure", "Unknown", "NodeStatusNeverUpdated"],
      ["PIDPressure", "Unknown", "NodeStatusNeverUpdated"],
    ]);
    expect(decide({ ...quiet, ...silent, node: aNode({ conditions: [...conditions] }) }).conditions).toBeUndefined();
  });

  test("asks to look again when the grace ends", () => {
    expect(decide(quiet).againAfterMs).toBe(35_001);
  });

  test("keeps the older names of labels in step", () => {
    const node = aNode({
      labels: {
        "kubernetes.io/arch": "arm64",
        "kubernetes.io/os": "linux",
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": "other",
      },
    });
    expect(decide({ ...quiet, node }).labels).toEqual({ "beta.kubernetes.io/arch": "arm64" });
  });
});
