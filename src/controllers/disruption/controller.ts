import { isDeepStrictEqual } from "node:util";
import { deployment } from "../../api/kinds/apps/deployment.ts";
import { replicaSet } from "../../api/kinds/apps/replica-set.ts";
import { statefulSet } from "../../api/kinds/apps/stateful-set.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { replicationController } from "../../api/kinds/core/replication-controller.ts";
import { podDisruptionBudget } from "../../api/kinds/policy/pod-disruption-budget.ts";
import { controllerRef, keyOf } from "../../api/object.ts";
import type { Pod, PodDisruptionBudget } from "../../api/schema/types.ts";
import { selects } from "../../api/selector.ts";
import type { Cache } from "../../client/cache.ts";
import { carryOut } from "../../client/carry-out.ts";
import { defineController, settled } from "../../client/controller.ts";
import { decide } from "./decide.ts";

/** Keeps budgets' counts, by which evictions are allowed or refused. */
export const disruptionController = defineController<PodDisruptionBudget>({
  name: "disruption",
  component: "controllermanager",
  account: "disruption-controller",
  reconciles: podDisruptionBudget,
  watches: [
    {
      kind: pod,
      keys: ({ metadata }, cache) =>
        cache
          .list(podDisruptionBudget, metadata.namespace)
          .filter(({ spec }) => selects(spec?.selector, metadata.labels))
          .map(keyOf),
    },
  ],
  reads: [deployment, replicaSet, statefulSet, replicationController],

  async reconcile(key, { cache, client, events, now }) {
    const budget = cache.get(podDisruptionBudget, key);
    if (!budget) return settled;
    const pods = cache
      .list(pod, key.namespace)
      .filter(({ metadata }) => selects(budget.spec?.selector, metadata.labels));
    if (pods.length === 0)
      events.record(budget, { type: "Normal", reason: "NoPods", message: "No matching pods found" });
    const { status, againMs } = decide({ budget, pods, wantedByControllers: wantedFor(pods, cache), now });
    if (!isDeepStrictEqual(status, budget.status))
      await carryOut(cache, [() => client.updateStatus(podDisruptionBudget, { ...budget, status })]);
    return againMs === undefined ? settled : { again: { afterMs: againMs } };
  },
});

/** The sum of what the pods' controllers want, each counted once. */
function wantedFor(pods: readonly Pod[], cache: Cache): number {
  const scales = new Map<string, number>();
  for (const each of pods) {
    const scale = scaleOf(each, cache);
    if (scale) scales.set(scale.uid, scale.replicas);
  }
  return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
}

/** The scale of what controls the pod: of a Deployment's ReplicaSet, that of the Deployment. */
function scaleOf(object: Pod, cache: Cache): { uid: string; replicas: number } | undefined {
  const owner = controllerRef(object);
  if (!owner) return undefined;
  const key = { namespace: object.metadata.namespace, name: owner.name };
  if (owner.kind === "ReplicaSet") {
    const set = cache.get(replicaSet, key);
    const above = set && controllerRef(set);
    const root = above?.kind === "Deployment" ? cache.get(deployment, { ...key, name: above.name }) : set;
    return root && { uid: root.metadata.uid ?? "", replicas: root.spec.replicas ?? 1 };
  }
  if (owner.kind === "StatefulSet") {
    const replicas = cache.get(statefulSet, key)?.spec.replicas;
    return replicas === undefined ? undefined : { uid: owner.uid, replicas };
  }
  if (owner.kind !== "ReplicationController") return undefined;
  const replicas = cache.get(replicationController, key)?.spec?.replicas;
  return replicas === undefined ? undefined : { uid: owner.uid, replicas };
}
