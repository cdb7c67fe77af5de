import type { Node, Pod } from "../api/schema/types.ts";

export const zoneLabel = "topology.kubernetes.io/zone";
const outOfService = "node.kubernetes.io/out-of-service";

/** The index of pods by the node they are bound to. */
export const podsOnNode = (pod: Pod): readonly string[] => (pod.spec.nodeName ? [pod.spec.nodeName] : []);

/** What the node's condition Ready says: "True", "False" or "Unknown"; undefined when nobody has said anything. */
export function readyStatusOf({ status }: Node): string | undefined {
  return status?.conditions?.find(({ type }) => type === "Ready")?.status;
}

export function isNodeReady(node: Node): boolean {
  return readyStatusOf(node) === "True";
}

/** A person says so of a node that is down: its pods will not end by themselves. */
export function isOutOfService(node: Node): boolean {
  return !isNodeReady(node) && (node.spec.taints ?? []).some(({ key }) => key === outOfService);
}
