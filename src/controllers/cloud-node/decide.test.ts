import { describe, expect, test } from "vitest";
import type { Node } from "../../api/schema/types.ts";
import { initialized, uninitialized } from "./decide.ts";

const instance = { id: "skiff://a", type: "skiff" };
const waiting = { key: uninitialized, value: "true", effect: "NoSchedule" };
const own = { key: "own", effect: "NoSchedule" };
const typed = { "node.kubernetes.io/instance-type": "skiff", "beta.kubernetes.io/instance-type": "skiff" };

const aNode = (spec: Node["spec"], labels: Record<string, string> = {}): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "a", labels },
  spec: spec ?? {},
});

describe("what a cloud says of a node", () => {
  test("is told to one that waits for it", () => {
    const node = initialized(aNode({ taints: [waiting, own] }, { mine: "1" }), { ...instance, zone: "z", region: "r" });
    expect(node?.spec).toEqual({ providerID: "skiff://a", taints: [own] });
    expect(node?.metadata.labels).toEqual({
      mine: "1",
      ...typed,
      "topology.kubernetes.io/zone": "z",
      "failure-domain.beta.kubernetes.io/zone": "z",
      "topology.kubernetes.io/region": "r",
      "failure-domain.beta.kubernetes.io/region": "r",
    });
  });

  test.each<[what: string, node: Node, spec: Node["spec"], labels: Record<string, string>]>([
    ["is told to one without an id", aNode({}), { providerID: "skiff://a" }, typed],
    [
      "does not replace an id",
      aNode({ providerID: "cloud://7", taints: [waiting] }),
      { providerID: "cloud://7" },
      typed,
    ],
    [
      "stands under the older names of labels too",
      aNode({ providerID: "skiff://a" }, { "topology.kubernetes.io/zone": "z" }),
      { providerID: "skiff://a" },
      { "topology.kubernetes.io/zone": "z", "failure-domain.beta.kubernetes.io/zone": "z" },
    ],
  ])("%s", (_, node, spec, labels) => {
    const next = initialized(node, instance);
    expect([next?.spec, next?.metadata.labels]).toEqual([spec, labels]);
  });

  test.each<[what: string, node: Node, of: typeof instance | undefined]>([
    ["knows", aNode({ providerID: "skiff://a" }, { mine: "1" }), instance],
    ["is none of the cloud's", aNode({ taints: [waiting] }), undefined],
  ])("is nothing for one that %s", (_, node, of) => {
    expect(initialized(node, of)).toBeUndefined();
  });
});
