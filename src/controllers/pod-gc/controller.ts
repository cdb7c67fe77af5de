import { node } from "../../api/kinds/core/node.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { isLeaving, keyOf } from "../../api/object.ts";
import type { Pod } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import { carryOut, deletion } from "../../client/carry-out.ts";
import { type Controller, defineController, settled, type Watched } from "../../client/controller.ts";
import { hasEnded } from "../pods.ts";
import { podsOnNode } from "../pods-on-node.ts";

/** How long a node may be away before its pods are given up: it may only have been registered anew. */
const quarantineMs = 40_000;

/**
 * Deletes pods that nobody else will: those of nodes that no longer exist, and those that were deleted before they were
 * bound (Kubernetes docs, "Pod Lifecycle", section "Garbage collection of Pods").
 */
export function podGcController(): Controller {
  /** Since when each missing node has been missing. */
  const missing = new Map<string, number>();
  const onNode: Watched = {
    kind: node,
    keys: ({ metadata }, cache) => cache.by(pod, podsOnNode, metadata.name).map(keyOf),
    matters: ({ before, after }) => before === undefined || after === undefined,
  };

  return defineController({
    name: "pod-gc",
    component: "pod-garbage-collector",
    reconciles: pod,
    watches: [onNode],

    async reconcile(key, { cache, client, now }) {
      const held = cache.get(pod, key);
      if (!held) return settled;
      const { nodeName } = held.spec;
      if (!nodeName) {
        if (isLeaving(held)) await carryOut(cache, [deletion(client, pod, held, { gracePeriodSeconds: 0 })]);
        return settled;
      }
      if (cache.get(node, { name: nodeName })) {
        missing.delete(nodeName);
        return settled;
      }
      const since = missing.get(nodeName) ?? now;
      missing.set(nodeName, since);
      if (now < since + quarantineMs) return { again: { afterMs: since + quarantineMs - now } };
      if (!hasEnded(held))
        await client.patch(pod, key, { type: "strategic", document: givenUp(held, now) }, { subresource: "status" });
      await carryOut(cache, [deletion(client, pod, held, { gracePeriodSeconds: 0 })]);
      return settled;
    },
  });
}

function givenUp({ metadata }: Pod, now: number) {
  const target = {
    type: "DisruptionTarget",
    status: "True",
    reason: "DeletionByPodGC",
    message: "PodGC: node no longer exists",
    observedGeneration: metadata.generation,
    lastTransitionTime: timeText(now),
  };
  return { metadata: { uid: metadata.uid }, status: { phase: "Failed", conditions: [target] } };
}
