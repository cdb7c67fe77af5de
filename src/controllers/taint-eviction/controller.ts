import { node } from "../../api/kinds/core/node.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { isLeaving, keyOf, keyText } from "../../api/object.ts";
import type { Node } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import { carryOut, deletion } from "../../client/carry-out.ts";
import { type Controller, defineController, settled, type Watched } from "../../client/controller.ts";
import { podsOnNode } from "../nodes.ts";
import { stayMs } from "./decide.ts";

/** Deletes pods that do not tolerate their node's NoExecute taints, when their time is over (Kubernetes docs, "Taints and Tolerations"). */
export function taintEvictionController(): Controller {
  /** When each pod came under the taints it is leaving for, in running time: a clock that is set evicts nobody. */
  const since = new Map<string, { readonly uid: string; readonly atMs: number }>();

  return defineController({
    name: "taint-eviction",
    component: "taint-eviction-controller",
    account: "node-controller",
    reconciles: pod,
    watches: [tainted],

    async reconcile(key, { cache, client, events, now, elapsedMs }) {
      const held = cache.get(pod, key);
      const id = keyText(key);
      const uid = held?.metadata.uid ?? "";
      if (!held?.spec.nodeName || isLeaving(held)) {
        since.delete(id);
        return settled;
      }
      const taints = cache.get(node, { name: held.spec.nodeName })?.spec.taints ?? [];
      const stay = stayMs(taints, held.spec.tolerations ?? []);
      if (stay === undefined) {
        if (since.delete(id))
          events.record(held, {
            type: "Normal",
            reason: "TaintManagerEviction",
            message: `Cancelling deletion of Pod ${id}`,
          });
        return settled;
      }
      const known = since.get(id);
      const begunMs = known?.uid === uid ? known.atMs : elapsedMs;
      since.set(id, { uid, atMs: begunMs });
      const leftMs = begunMs + stay - elapsedMs;
      if (leftMs > 0) return { again: { afterMs: leftMs } };

      events.record(held, {
        type: "Normal",
        reason: "TaintManagerEviction",
        message: `Marking for deletion Pod ${id}`,
      });
      const target = {
        type: "DisruptionTarget",
        status: "True",
        reason: "DeletionByTaintManager",
        message: "Taint manager: deleting due to NoExecute taint",
        observedGeneration: held.metadata.generation,
        lastTransitionTime: timeText(now),
      };
      const document = { metadata: { uid }, status: { conditions: [target] } };
      await client.patch(pod, key, { type: "strategic", document }, { subresource: "status" });
      await carryOut(cache, [deletion(client, pod, held)]);
      since.delete(id);
      return settled;
    },
  });
}

const tainted: Watched<Node> = {
  kind: node,
  keys: ({ metadata }, cache) => cache.by(pod, podsOnNode, metadata.name).map(keyOf),
  matters: ({ before, after }) => noExecuteText(before) !== noExecuteText(after),
};

function noExecuteText(object: Node | undefined): string {
  const taints = object?.spec.taints?.filter(({ effect }) => effect === "NoExecute") ?? [];
  return taints.map(({ key, value }) => `${key}=${value}`).join();
}
