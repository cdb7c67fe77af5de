import { isDeepStrictEqual } from "node:util";
import { deployment } from "../../api/kinds/apps/deployment.ts";
import { replicaSet } from "../../api/kinds/apps/replica-set.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { controllerRef, type KubeObject, keyOf, type ObjectKey } from "../../api/object.ts";
import { hasEnded } from "../../api/pod-phase.ts";
import type { Deployment, DeploymentStatus, Pod, ReplicaSet } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import type { Cache } from "../../client/cache.ts";
import { carryOut, deletion, type WriteStep } from "../../client/carry-out.ts";
import { againIn, type Context, defineController, settled } from "../../client/controller.ts";
import { byController, claimIn, controlledBy, ownersOf, settleClaim } from "../ownership.ts";
import { isNamespaceLeaving } from "../pod-writes.ts";
import { type Decision, decide } from "./decide.ts";
import type { NewReplicaSet } from "./draft.ts";
import { annotation, deadlineOf } from "./limits.ts";
import { setCondition } from "./status.ts";
import { sameTemplate } from "./template.ts";

export const deploymentController = defineController<Deployment>({
  name: "deployment",
  reconciles: deployment,
  watches: [
    { kind: replicaSet, keys: ownersOf(deployment, ({ spec }) => spec.selector) },
    // A Recreate waits until the last old pod has ended.
    { kind: pod, keys: deploymentOf, matters: ({ after }) => !after || hasEnded(after as Pod) },
  ],

  async reconcile(key, context) {
    const { cache, client, now } = context;
    const object = cache.get(deployment, key);
    if (!object) return settled;
    const claimed = claimIn(cache, replicaSet, { owner: object, selector: object.spec.selector });
    const adopting = settleClaim(client, replicaSet, claimed, controlledBy(deployment, object));
    if (adopting.length > 0) {
      // The adopted come back changed, and with them this key.
      await carryOut(cache, adopting);
      return { again: { afterMs: 0 } };
    }
    const podsOf = ({ metadata }: ReplicaSet) => cache.by(pod, byController, metadata.uid ?? "");
    const decision = decide({ deployment: object, replicaSets: claimed.owned, podsOf, now });
    if (decision.create && !(await createNewest(object, decision.create, context))) return settled;
    for (const write of writesFor(object, decision, context)) await carryOut(cache, [write]);
    return againIn(decision.againMs);
  },
});

function deploymentOf(object: KubeObject, cache: Cache): readonly ObjectKey[] {
  const owner = controllerRef(object);
  const { namespace } = object.metadata;
  const set = owner?.kind === "ReplicaSet" ? cache.get(replicaSet, { namespace, name: owner.name }) : undefined;
  const grandparent = set && controllerRef(set);
  if (grandparent?.kind !== "Deployment") return [];
  const found = cache.get(deployment, { namespace, name: grandparent.name });
  return found?.spec.strategy?.type === "Recreate" ? [keyOf(found)] : [];
}

/** Makes the ReplicaSet of the present template; false when another one has its name, which the status then counts. */
async function createNewest(object: Deployment, blank: NewReplicaSet, context: Context): Promise<boolean> {
  const { cache, client, events, now } = context;
  const { status = {} } = object;
  const write = (changed: DeploymentStatus) =>
    carryOut(cache, [() => client.updateStatus(deployment, { ...object, status: { ...status, ...changed } })]);
  const metadata = { ...blank.metadata, ownerReferences: [controlledBy(deployment, object)] };
  try {
    const created = await client.create(replicaSet, { ...blank, metadata });
    if (created.spec.replicas)
      tellScaled(object, created.metadata.name, { from: 0, to: created.spec.replicas }, context);
    await cache.seen(created);
    return true;
  } catch (error) {
    if (isNamespaceLeaving(error)) return true;
    if (isReason(error, "AlreadyExists")) {
      // Made already by a create whose answer was lost, and not seen yet: ours. Anything else of this name is a stranger.
      const present = await client.get(replicaSet, {
        namespace: object.metadata.namespace,
        name: blank.metadata.name ?? "",
      });
      const isOurs = controllerRef(present)?.uid === object.metadata.uid;
      if (isOurs && sameTemplate(present.spec.template ?? {}, object.spec.template)) {
        await cache.seen(present);
        return true;
      }
      await write({ collisionCount: (status.collisionCount ?? 0) + 1 });
      return false;
    }
    const message = `Failed to create new replica set "${blank.metadata.name}": ${(error as Error).message}`;
    events.record(object, { type: "Warning", reason: "ReplicaSetCreateError", message });
    if (deadlineOf(object) !== undefined) {
      const stuck = { type: "Progressing", status: "False", reason: "ReplicaSetCreateError", message };
      await write({ conditions: setCondition(status.conditions ?? [], stuck, now) });
    }
    throw error;
  }
}

function tellScaled(
  object: Deployment,
  name: string,
  { from, to }: { from: number; to: number },
  { events }: Context,
): void {
  const direction = to > from ? "up" : "down";
  const message = `Scaled ${direction} replica set ${name} from ${from} to ${to}`;
  events.record(object, { type: "Normal", reason: "ScalingReplicaSet", message });
}

function writesFor(object: Deployment, decision: Decision, context: Context): WriteStep[] {
  const { update, remove, revision, status } = decision;
  const { client } = context;
  const writes: WriteStep[] = [];
  const versions = new Map<string, string | undefined>();
  for (const { before, after } of update)
    writes.push(async () => {
      const { name } = after.metadata;
      const resourceVersion = versions.get(name) ?? after.metadata.resourceVersion;
      const metadata = { ...after.metadata, ...(resourceVersion !== undefined && { resourceVersion }) };
      const written = await client.update(replicaSet, { ...after, metadata });
      versions.set(name, written.metadata.resourceVersion);
      const [from, to] = [before.spec.replicas ?? 1, after.spec.replicas ?? 1];
      if (from !== to) tellScaled(object, name, { from, to }, context);
      return written;
    });
  for (const old of remove) writes.push(deletion(client, replicaSet, old));
  if (revision !== undefined || !isDeepStrictEqual(status, object.status)) {
    // The number travels with the status, as in Kubernetes: a change of annotations by itself would be a new generation.
    const annotations = { ...object.metadata.annotations, ...(revision && { [annotation.revision]: revision }) };
    const metadata = { ...object.metadata, ...(Object.keys(annotations).length > 0 && { annotations }) };
    writes.push(() => client.updateStatus(deployment, { ...object, metadata, status }));
  }
  return writes;
}
