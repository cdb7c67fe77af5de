import { node } from "../../api/kinds/core/node.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { isLeaving, keyOf } from "../../api/object.ts";
import { hasEnded } from "../../api/pod-phase.ts";
import type { Node, Pod } from "../../api/schema/types.ts";
import type { Cache } from "../../client/cache.ts";
import { carryOut, deletion } from "../../client/carry-out.ts";
import { type Controller, defineController, settled, type Watched } from "../../client/controller.ts";
import { podsOnNode } from "../nodes.ts";
import { decide, surplus } from "./decide.ts";

/** The index of pods that have ended. */
const ended = (one: Pod): readonly string[] => (hasEnded(one) && !isLeaving(one) ? ["ended"] : []);

/** What a node's pods may have to go for: that it is missing, or declared out of service. */
const nodesOfPods: Watched<Node> = {
  kind: node,
  keys: ({ metadata }, cache) => cache.by(pod, podsOnNode, metadata.name).map(keyOf),
  matters: ({ before, after }) => !before || !after || before.spec.taints?.length !== after.spec.taints?.length,
};

/** Deletes pods that nobody else will. `threshold`: how many that have ended may lie about; 0: any number. */
export function podGcController({ threshold }: { readonly threshold: number }): Controller {
  /** Since when each missing node that has pods has been missing, in running time: a clock that is set gives no node up. */
  const missing = new Map<string, number>();
  const surplusIn = (cache: Cache): readonly Pod[] => surplus(cache.by(pod, ended, "ended"), threshold);
  const endings: Watched<Pod> = {
    kind: pod,
    keys: (_, cache) => surplusIn(cache).map(keyOf),
    matters: ({ before, after }) => after !== undefined && hasEnded(after) && !(before && hasEnded(before)),
  };

  return defineController<Pod>({
    name: "pod-gc",
    component: "pod-garbage-collector",
    reconciles: pod,
    watches: [nodesOfPods, endings],

    async reconcile(key, { cache, client, now, elapsedMs }) {
      for (const name of missing.keys()) if (cache.count(pod, podsOnNode, name) === 0) missing.delete(name);
      const held = cache.get(pod, key);
      if (!held) return settled;
      const { nodeName = "" } = held.spec;
      const present = cache.get(node, { name: nodeName });
      if (present) missing.delete(nodeName);
      else if (nodeName && !missing.has(nodeName)) missing.set(nodeName, elapsedMs);
      const decision = decide({
        pod: held,
        node: present,
        missingForMs: elapsedMs - (missing.get(nodeName) ?? elapsedMs),
        isSurplus: hasEnded(held) && surplusIn(cache).some(({ metadata }) => metadata.uid === held.metadata.uid),
        now,
      });
      if (!decision) return settled;
      if ("againMs" in decision) return { again: { afterMs: decision.againMs } };
      if (decision.failed) {
        const document = { metadata: { uid: held.metadata.uid }, status: decision.failed };
        await client.patch(pod, key, { type: "strategic", document }, { subresource: "status" });
      }
      await carryOut(cache, [deletion(client, pod, held, { gracePeriodSeconds: 0 })]);
      return settled;
    },
  });
}
