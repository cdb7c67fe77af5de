import { isDeepStrictEqual } from "node:util";
import { controllerRevision } from "../../api/kinds/apps/controller-revision.ts";
import { statefulSet } from "../../api/kinds/apps/stateful-set.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { isLeaving, keyOf } from "../../api/object.ts";
import type { ControllerRevision, Pod, StatefulSet } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import type { Cache } from "../../client/cache.ts";
import { carryOut, deletion, type WriteStep } from "../../client/carry-out.ts";
import { type Context, defineController, settled } from "../../client/controller.ts";
import { byController, claim, controlledBy, orphans, ownersOf, settleClaim } from "../ownership.ts";
import { isNamespaceLeaving } from "../pod-writes.ts";
import { forgetOld, type History, historyOf, keepCurrent, revisionOfPod, templateOf } from "../revisions.ts";
import { statusWrite } from "../status-writes.ts";
import { claimsFor, ownersWanted } from "./claims.ts";
import { decide } from "./decide.ts";
import { identityLabels, ordinalOf, podFrom, podName } from "./identity.ts";

const hashLabel = "controller.kubernetes.io/hash";

/** Keeps pods with lasting names and claims of their own (Kubernetes docs, "StatefulSets"). */
export const statefulSetController = defineController<StatefulSet>({
  name: "statefulset",
  reconciles: statefulSet,
  watches: [
    { kind: pod, keys: ownersOf(statefulSet, ({ spec }) => spec.selector) },
    { kind: controllerRevision, keys: ownersOf(statefulSet, ({ spec }) => spec.selector) },
  ],
  reads: [persistentVolumeClaim],

  async reconcile(key, context) {
    const { cache, client, now } = context;
    const object = cache.get(statefulSet, key);
    if (!object) return settled;
    const uid = object.metadata.uid ?? "";
    const reference = controlledBy(statefulSet, object);
    const from = { owner: object, selector: object.spec.selector };
    const isMember = (one: Pod): boolean => ordinalOf(one, object) !== undefined;
    const revisions = claim({
      ...from,
      controlled: cache.by(controllerRevision, byController, uid),
      orphans: cache.by(controllerRevision, orphans, key.namespace ?? ""),
    });
    const pods = claim({
      ...from,
      controlled: cache.by(pod, byController, uid).filter(isMember),
      orphans: cache.by(pod, orphans, key.namespace ?? "").filter(isMember),
    });
    const adopting = [
      ...settleClaim(client, controllerRevision, revisions, reference),
      ...settleClaim(client, pod, pods, reference),
    ];
    if (adopting.length > 0) {
      // The adopted come back changed, and with them this key.
      await carryOut(cache, adopting);
      return { again: { afterMs: 0 } };
    }

    const history = historyOf(object, revisions.owned, { hashLabel, reference });
    if (!isLeaving(object)) await carryOut(cache, keepCurrent(client, history));
    const before = [...history.old, history.current].find(
      ({ metadata }) => metadata.name === object.status?.currentRevision,
    );
    const current = before ?? history.current;
    const names = { current: current.metadata.name, update: history.current.metadata.name };
    const decision = decide({ set: object, pods: pods.owned, revisions: names, now });

    let failure: unknown;
    try {
      const held = pods.owned.filter((one) => !decision.condemned.includes(one));
      await carryOut(
        cache,
        isLeaving(object) ? [] : keepingUp(object, { held, condemned: decision.condemned }, context),
      );
      await carryOut(cache, [
        ...decision.create.map(({ ordinal, revision }) =>
          creation(object, { ordinal, from: revision === names.update ? history.current : current }, context),
        ),
        ...decision.remove.map((one) => removal(object, one, context)),
      ]);
    } catch (error) {
      failure = error;
    }
    if (!isDeepStrictEqual(decision.status, object.status))
      await carryOut(cache, [statusWrite(client, statefulSet, object, decision.status)]);
    if (failure) throw failure;
    if (!isLeaving(object)) await carryOut(cache, forgetting(object, history, pods.owned, names.current, context));
    return decision.againMs === undefined ? settled : { again: { afterMs: decision.againMs } };
  },
});

function forgetting(
  object: StatefulSet,
  { old }: History,
  pods: readonly Pod[],
  current: string,
  { client }: Context,
): WriteStep[] {
  const live = new Set([current, ...pods.map(revisionOfPod)]);
  return forgetOld(client, object, { old, isLive: ({ metadata }) => live.has(metadata.name) });
}

/** Missing claims of pods that wait for them, owners of claims, and labels that pods should bear. */
function keepingUp(
  object: StatefulSet,
  { held, condemned }: { held: readonly Pod[]; condemned: readonly Pod[] },
  context: Context,
): WriteStep[] {
  const { cache, client } = context;
  const writes: WriteStep[] = [];
  for (const one of held) {
    if (one.status?.phase === "Pending" && !isLeaving(one))
      writes.push(...missingClaims(object, one.metadata.name, context));
    const labels = identityLabels(object, ordinalOf(one, object) ?? 0);
    const isLabelled = Object.entries(labels).every(([name, value]) => one.metadata.labels?.[name] === value);
    if (!isLabelled && !isLeaving(one))
      writes.push(() => client.patch(pod, keyOf(one), { type: "merge", document: { metadata: { labels } } }));
  }
  for (const one of [...held, ...condemned]) {
    const holder = { pod: one, isCondemned: condemned.includes(one) };
    for (const { metadata: wanted } of claimsFor(object, one.metadata.name)) {
      const present = cache.get(persistentVolumeClaim, { namespace: wanted.namespace, name: wanted.name ?? "" });
      const ownerReferences = present && !isLeaving(present) && ownersWanted(object, present, holder);
      if (!ownerReferences) continue;
      const metadata = { ...present.metadata, ownerReferences };
      writes.push(() => client.update(persistentVolumeClaim, { ...present, metadata }));
    }
  }
  return writes;
}

function creation(
  object: StatefulSet,
  { ordinal, from }: { ordinal: number; from: ControllerRevision },
  context: Context,
): WriteStep {
  const { client, events } = context;
  const name = podName(object, ordinal);
  const blank = podFrom(object, { ordinal, template: templateOf(from), revision: from.metadata.name });
  return async (cache) => {
    for (const write of missingClaims(object, name, context)) await write(cache);
    try {
      const ownerReferences = [controlledBy(statefulSet, object)];
      const created = await client.create(pod, { ...blank, metadata: { ...blank.metadata, ownerReferences } });
      const message = `Create Pod ${name} in StatefulSet ${object.metadata.name} successful`;
      events.record(object, { type: "Normal", reason: "SuccessfulCreate", message });
      return created;
    } catch (error) {
      if (isNamespaceLeaving(error)) return undefined;
      if (isReason(error, "AlreadyExists")) throw error;
      const message = `Create Pod ${name} in StatefulSet ${object.metadata.name} failed error: ${(error as Error).message}`;
      events.record(object, { type: "Warning", reason: "FailedCreate", message });
      throw error;
    }
  };
}

function missingClaims(object: StatefulSet, name: string, { cache, client, events }: Context): WriteStep[] {
  return claimsFor(object, name)
    .filter((blank) => !hasClaim(cache, blank.metadata))
    .map((blank): WriteStep => {
      const about = `Create Claim ${blank.metadata.name} Pod ${name} in StatefulSet ${object.metadata.name}`;
      return async () => {
        try {
          const created = await client.create(persistentVolumeClaim, blank);
          events.record(object, { type: "Normal", reason: "SuccessfulCreate", message: `${about} success` });
          return created;
        } catch (error) {
          if (isReason(error, "AlreadyExists") || isNamespaceLeaving(error)) return undefined;
          const message = `${about} failed error: ${(error as Error).message}`;
          events.record(object, { type: "Warning", reason: "FailedCreate", message });
          throw error;
        }
      };
    });
}

function hasClaim(cache: Cache, { namespace, name }: { namespace?: string; name?: string }): boolean {
  return cache.get(persistentVolumeClaim, { namespace, name: name ?? "" }) !== undefined;
}

function removal(object: StatefulSet, surplus: Pod, { client, events }: Context): WriteStep {
  const about = `Delete Pod ${surplus.metadata.name} in StatefulSet ${object.metadata.name}`;
  return async (cache) => {
    try {
      await deletion(client, pod, surplus)(cache);
      events.record(object, { type: "Normal", reason: "SuccessfulDelete", message: `${about} successful` });
      return undefined;
    } catch (error) {
      const message = `${about} failed error: ${(error as Error).message}`;
      events.record(object, { type: "Warning", reason: "FailedDelete", message });
      throw error;
    }
  };
}
