import { expect, test } from "vitest";
import type { Node } from "../../api/schema/types.ts";
import { fakeClock } from "../../base/testing/fake-clock.ts";
import { healthAnswer } from "./proxy-health.ts";

const aNode = (over: Partial<Node["spec"]> = {}, metadata: object = {}): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "one", ...metadata },
  spec: { ...over },
});
const taint = { key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" };

test.each<[what: string, node: Node | undefined, isHealthy: boolean, healthz: number, livez: number]>([
  ["is as it should be", aNode(), true, 200, 200],
  ["is not known yet", undefined, true, 200, 200],
  ["has rules that the kernel refuses", aNode(), false, 503, 503],
  ["is being deleted", aNode({}, { deletionTimestamp: "2026-01-01T00:00:00Z" }), true, 503, 200],
  ["is to be taken away by the autoscaler", aNode({ taints: [taint] }), true, 503, 200],
  ["has another taint", aNode({ taints: [{ ...taint, key: "other" }] }), true, 200, 200],
])("a load balancer that asks a node that %s", (_, node, isHealthy, healthz, livez) => {
  const answer = healthAnswer({ node: () => node, isHealthy: () => isHealthy, clock: fakeClock() });
  expect([answer("/healthz").status, answer("/livez").status, answer("/").status]).toEqual([healthz, livez, 404]);
  expect(Object.keys(JSON.parse(answer("/healthz").body))).toEqual(["lastUpdated", "currentTime", "nodeEligible"]);
});
