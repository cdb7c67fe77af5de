import { pod } from "../../api/kinds/core/pod.ts";
import { isLeaving } from "../../api/object.ts";
import { hasEnded } from "../../api/pod-phase.ts";
import type { Pod } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import { defineController, settled } from "../../client/controller.ts";
import { podCondition } from "../pods.ts";

/** So long a pod may be said to be disrupted before it is deleted. */
const staleMs = 120_000;

/**
 * How long until a pod that was to be disrupted, and was not, is as any other again; undefined when nothing is due. What a
 * kubelet announces may take its time.
 */
export function staleInMs(held: Pod, now: number): number | undefined {
  const target = podCondition(held, "DisruptionTarget");
  if (target?.status !== "True" || target.reason === "TerminationByKubelet") return undefined;
  if (isLeaving(held) || hasEnded(held) || !target.lastTransitionTime) return undefined;
  return Math.max(0, Date.parse(target.lastTransitionTime) + staleMs - now);
}

/** Takes back what was said of pods whose disruption did not come (Kubernetes docs, "Disruptions"). */
export const staleDisruptions = defineController<Pod>({
  name: "stale-disruptions",
  account: "disruption-controller",
  reconciles: pod,
  matters: ({ after }) => after !== undefined && podCondition(after, "DisruptionTarget") !== undefined,

  async reconcile(key, { cache, client, now }) {
    const held = cache.get(pod, key);
    const waitMs = held && staleInMs(held, now);
    if (!held || waitMs === undefined) return settled;
    if (waitMs > 0) return { again: { afterMs: waitMs } };
    const condition = { type: "DisruptionTarget", status: "False", lastTransitionTime: timeText(now) };
    const document = { metadata: { uid: held.metadata.uid }, status: { conditions: [condition] } };
    await cache.seen(await client.patch(pod, key, { type: "strategic", document }, { subresource: "status" }));
    return settled;
  },
});
