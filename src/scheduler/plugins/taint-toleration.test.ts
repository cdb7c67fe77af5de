import { describe, expect, test } from "vitest";
import type { Toleration } from "../../api/schema/types.ts";
import { refusalsOf, scoresOf } from "../testing/judge.ts";
import { aCluster, aNode, aPodInfo } from "../testing/objects.ts";
import { nodeUnschedulable } from "./node-unschedulable.ts";
import { taintToleration } from "./taint-toleration.ts";

const untolerated = "node(s) had untolerated taint(s)";

describe("TaintToleration", () => {
  const cluster = aCluster([aNode({ taints: [{ key: "team", value: "a", effect: "NoSchedule" }] })]);
  test.each<[name: string, toleration: Toleration | undefined, fits: boolean]>([
    ["nothing", undefined, false],
    ["this value", { key: "team", operator: "Equal", value: "a", effect: "NoSchedule" }, true],
    ["this value, without saying how it is compared", { key: "team", value: "a" }, true],
    ["another value", { key: "team", value: "b" }, false],
    ["the key, whatever its value", { key: "team", operator: "Exists" }, true],
    ["another effect", { key: "team", operator: "Exists", effect: "NoExecute" }, false],
    ["everything", { operator: "Exists" }, true],
  ])("judges a pod that tolerates %s", (_, toleration, fits) => {
    const pod = aPodInfo(toleration ? { tolerations: [toleration] } : {});
    expect(refusalsOf(taintToleration(), pod, cluster)).toEqual(fits ? {} : { n1: untolerated });
  });

  test("prefers nodes with fewer taints of the soft kind that are not tolerated", () => {
    const soft = (key: string) => ({ key, effect: "PreferNoSchedule" });
    const nodes = [
      aNode({ taints: [soft("a"), soft("b")] }),
      aNode({ name: "n2", taints: [soft("a")] }),
      aNode({ name: "n3" }),
    ];
    expect(scoresOf(taintToleration(), aPodInfo(), aCluster(nodes))).toEqual({ n1: 0, n2: 50, n3: 100 });
    const tolerations = [
      { key: "a", operator: "Exists", effect: "PreferNoSchedule" },
      { key: "b", operator: "Exists", effect: "NoSchedule" },
    ];
    expect(scoresOf(taintToleration(), aPodInfo({ tolerations }), aCluster(nodes))).toEqual({
      n1: 0,
      n2: 100,
      n3: 100,
    });
  });

  test("refuses nodes with a taint that evicts, and cordoned ones to those that do not tolerate that", () => {
    const evicting = aCluster([aNode({ taints: [{ key: "gone", effect: "NoExecute" }] })]);
    expect(refusalsOf(taintToleration(), aPodInfo(), evicting)).toEqual({ n1: untolerated });
    const cordoned = aCluster([aNode({ unschedulable: true })]);
    expect(refusalsOf(nodeUnschedulable(), aPodInfo(), cordoned)).toEqual({ n1: "node(s) were unschedulable" });
    const tolerations = [{ key: "node.kubernetes.io/unschedulable", operator: "Exists" }];
    expect(refusalsOf(nodeUnschedulable(), aPodInfo({ tolerations }), cordoned)).toEqual({});
  });
});
