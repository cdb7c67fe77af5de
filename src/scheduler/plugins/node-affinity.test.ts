import { describe, expect, test } from "vitest";
import type { NodeSelectorTerm } from "../../api/schema/types.ts";
import { refusalsOf, scoresOf } from "../testing/judge.ts";
import { aCluster, aNode, aPodInfo } from "../testing/objects.ts";
import { type NodeAffinityArguments, nodeAffinity } from "./node-affinity.ts";

const cluster = aCluster([
  aNode({ labels: { disk: "ssd", size: "10" } }),
  aNode({ name: "n2", labels: { disk: "hdd", size: "2" } }),
]);
const selector = "node(s) didn't match Pod's node affinity/selector";
const enforced = "node(s) didn't match scheduler-enforced node affinity";
const disk = (...values: string[]): NodeSelectorTerm => ({
  matchExpressions: [{ key: "disk", operator: "In", values }],
});
const named = (...values: string[]): NodeSelectorTerm => ({
  matchFields: [{ key: "metadata.name", operator: "In", values }],
});
const required = (...nodeSelectorTerms: NodeSelectorTerm[]) => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
});

describe("NodeAffinity", () => {
  test.each<[name: string, pod: object, refusals: Record<string, string> | string]>([
    ["nothing", {}, {}],
    ["a label", { nodeSelector: { disk: "ssd" } }, { n2: selector }],
    ["one of several terms", required(disk("ssd"), disk("hdd")), {}],
    [
      "everything in a term",
      required({ ...disk("ssd", "hdd"), matchFields: named("n2").matchFields ?? [] }),
      { n1: selector },
    ],
    [
      "a number above another",
      required({ matchExpressions: [{ key: "size", operator: "Gt", values: ["5"] }] }),
      { n2: selector },
    ],
    ["what an empty term means, which is nothing", required({}), { n1: selector, n2: selector }],
    [
      "two names at once",
      required({ matchFields: [...(named("n1").matchFields ?? []), ...(named("n2").matchFields ?? [])] }),
      "pod affinity terms conflict",
    ],
  ])("holds a pod to %s", (_, pod, refusals) => {
    expect(refusalsOf(nodeAffinity(), aPodInfo(pod), cluster)).toEqual(refusals);
  });

  test("holds every pod to what the configuration adds", () => {
    const added: NodeAffinityArguments = { addedAffinity: required(disk("hdd")).affinity.nodeAffinity };
    expect(refusalsOf(nodeAffinity(added), aPodInfo(), cluster)).toEqual({ n1: enforced });
  });

  const preferring = (weight: number, preference: NodeSelectorTerm) => ({ weight, preference });
  test("adds up what is preferred, by the pod and by the configuration, in proportion to the most", () => {
    const pod = aPodInfo({
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [preferring(10, disk("ssd")), preferring(2, disk("hdd"))],
        },
      },
    });
    expect(scoresOf(nodeAffinity(), pod, cluster)).toEqual({ n1: 100, n2: 20 });
    const addedAffinity = { preferredDuringSchedulingIgnoredDuringExecution: [preferring(18, disk("hdd"))] };
    expect(scoresOf(nodeAffinity({ addedAffinity }), pod, cluster)).toEqual({ n1: 50, n2: 100 });
  });
});
