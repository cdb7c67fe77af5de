import { expect, test } from "vitest";
import type { AnyObject } from "../../api/object.ts";
import { podTopologyLabels } from "./pod-topology-labels.ts";
import { anObject, aPod, refusalBy, reviewOf, storeWith } from "./testing/reviews.ts";

const zone = { "topology.kubernetes.io/zone": "z", "topology.kubernetes.io/region": "r" };
const node = anObject("v1", "Node", { metadata: { name: "n", namespace: undefined, labels: { ...zone, a: "b" } } });

test.each<[what: string, pod: AnyObject, labels: Record<string, string> | undefined]>([
  ["a pod that begins on a node has its zone and region", aPod({ nodeName: "n" }), zone],
  [
    "what it says itself stays",
    aPod({ nodeName: "n" }, { labels: { "topology.kubernetes.io/zone": "own" } }),
    { ...zone, "topology.kubernetes.io/zone": "own" },
  ],
  ["a pod that waits for a node has none", aPod({}), undefined],
  ["nor has a pod of a node that is not there", aPod({ nodeName: "gone" }), undefined],
])("%s", async (_, pod, labels) => {
  expect(await refusalBy(podTopologyLabels({ store: await storeWith(node) }), reviewOf(pod))).toBeUndefined();
  expect(pod.metadata.labels).toEqual(labels);
});

test.each<[target: object, labels: Record<string, string> | undefined]>([
  [{ kind: "Node", name: "n" }, zone],
  [{ name: "n" }, undefined],
])("a binding to %j", async (target, labels) => {
  const binding = anObject("v1", "Binding", { target });
  const review = { ...reviewOf(aPod({}), { subresource: "binding" }), object: binding };
  expect(await refusalBy(podTopologyLabels({ store: await storeWith(node) }), review)).toBeUndefined();
  expect(binding.metadata.labels).toEqual(labels);
});
