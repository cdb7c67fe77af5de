import { isDeepStrictEqual } from "node:util";
import type { Kind } from "../../api/kind.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { controllerRef, type KubeObject } from "../../api/object.ts";
import type { Pod, ReplicaSetCondition } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import type { Cache } from "../../client/cache.ts";
import { carryOut, type WriteStep } from "../../client/carry-out.ts";
import { againIn, type Context, type Controller, defineController, settled } from "../../client/controller.ts";
import { conditionOf } from "../conditions.ts";
import { byController, controlledBy, orphans, ownersOf, settleClaim } from "../ownership.ts";
import { creationOf, removalOf } from "../pod-writes.ts";
import { generateNameFrom, podFromTemplate } from "../pods.ts";
import { statusWrite } from "../status-writes.ts";
import { type Decision, decide, type ReplicaCounts, type Replicas } from "./decide.ts";

type WithReplicas = KubeObject & { status?: ReplicaCounts & { conditions?: ReplicaSetCondition[] } };

/** The controller of a kind that keeps a number of equal pods alive. */
export function replicasController<T extends WithReplicas>(definition: {
  readonly name: string;
  readonly component: string;
  readonly kind: Kind<T>;
  readonly viewOf: (object: T) => Replicas;
}): Controller {
  const { name, component, kind, viewOf } = definition;
  return defineController<T>({
    name,
    component,
    reconciles: kind,
    watches: [{ kind: pod, keys: ownersOf(kind, (owner) => viewOf(owner).selector) }],

    async reconcile(key, context) {
      const { cache, client, now } = context;
      const object = cache.get(kind, key);
      if (!object) return settled;
      const wanted = viewOf(object);
      const decision = decide({
        wanted,
        controlled: cache.by(pod, byController, object.metadata.uid ?? ""),
        orphans: cache.by(pod, orphans, key.namespace ?? ""),
        related: relatedPods(cache, kind, object),
        now,
      });
      await carryOut(cache, settleClaim(client, pod, decision.claim, controlledBy(kind, object)));

      let failure: unknown;
      try {
        await carryOut(cache, scaling(context, kind, object, wanted, decision));
      } catch (error) {
        failure = error;
      }
      const status = { ...decision.status, ...withConditions(conditionsAfter(wanted, decision, failure, now)) };
      if (!isDeepStrictEqual(status, object.status))
        await carryOut(cache, [statusWrite(client, kind, object, status as T["status"])]);
      if (failure) throw failure;
      return againIn(decision.againMs);
    },
  });
}

/** The pods of all that share the object's controller: the other ReplicaSets of its Deployment. */
function relatedPods<T extends KubeObject>(cache: Cache, kind: Kind<T>, object: T): readonly Pod[] {
  const owner = controllerRef(object);
  const siblings = owner ? cache.by(kind, byController, owner.uid) : [object];
  return siblings.flatMap(({ metadata }) => cache.by(pod, byController, metadata.uid ?? ""));
}

function scaling<T extends KubeObject>(
  context: Context,
  kind: Kind<T>,
  object: T,
  wanted: Replicas,
  { create, remove }: Decision,
): WriteStep[] {
  const blank = podFromTemplate(wanted.template, object.metadata.namespace ?? "");
  const metadata = {
    ...blank.metadata,
    generateName: generateNameFrom(object.metadata.name),
    ownerReferences: [controlledBy(kind, object)],
  };
  const createOne = creationOf({ ...blank, metadata }, object, context);
  return [...Array.from({ length: create }, () => createOne), ...remove.map((pod) => removalOf(pod, object, context))];
}

function conditionsAfter(
  { conditions }: Replicas,
  { create }: Decision,
  failure: unknown,
  now: number,
): readonly ReplicaSetCondition[] {
  const others = conditions.filter(({ type }) => type !== "ReplicaFailure");
  if (!failure) return others;
  // The first failure stays as it was said; it goes when a round succeeds.
  if (conditionOf(conditions, "ReplicaFailure")) return conditions;
  const reason = create > 0 ? "FailedCreate" : "FailedDelete";
  const message = (failure as Error).message;
  return [...others, { type: "ReplicaFailure", status: "True", lastTransitionTime: timeText(now), reason, message }];
}

const withConditions = (conditions: readonly ReplicaSetCondition[]) =>
  conditions.length > 0 ? { conditions: [...conditions] } : {};
