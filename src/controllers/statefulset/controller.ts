import { isDeepStrictEqual } from "node:util";
import { statefulSet } from "../../api/kinds/apps/stateful-set.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { isLeaving, keyOf } from "../../api/object.ts";
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import type { Cache } from "../../client/cache.ts";
import { carryOut, deletion, type WriteStep } from "../../client/carry-out.ts";
import { againIn, type Context, defineController, settled, type Watched } from "../../client/controller.ts";
import { controlledBy } from "../ownership.ts";
import { isNamespaceLeaving } from "../pod-writes.ts";
import {
  familyOf,
  forgetOld,
  type History,
  historyOf,
  keepCurrent,
  revisionOfPod,
  templateOf,
  watchFamily,
} from "../revisions.ts";
import { statusWrite } from "../status-writes.ts";
import { claimsFor, goesWithEarlierPod, type Holder, hasOtherController, ownersWanted } from "./claims.ts";
import { decide } from "./decide.ts";
import { identityLabels, ordinalOf, podFrom, podName } from "./identity.ts";

const hashLabel = "controller.kubernetes.io/hash";

/** A claim that has gone makes room for a new one of its name. */
const vanishedClaims: Watched<PersistentVolumeClaim> = {
  kind: persistentVolumeClaim,
  keys: ({ metadata: { name, namespace } }, cache) =>
    cache
      .list(statefulSet, namespace)
      .filter((set) =>
        (set.spec.volumeClaimTemplates ?? []).some((one) =>
          name.startsWith(`${one.metadata.name}-${set.metadata.name}-`),
        ),
      )
      .map(keyOf),
  matters: ({ after }) => after === undefined,
};

/** Keeps pods with lasting names and claims of their own (Kubernetes docs, "StatefulSets"). */
export const statefulSetController = defineController<StatefulSet>({
  name: "statefulset",
  reconciles: statefulSet,
  watches: [...watchFamily(statefulSet), vanishedClaims],

  async reconcile(key, context) {
    const { cache, client, now } = context;
    const object = cache.get(statefulSet, key);
    if (!object) return settled;
    const isMember = (one: Pod): boolean => ordinalOf(one, object) !== undefined;
    const { pods, revisions, reference, adopting } = familyOf(statefulSet, object, { cache, client, isMember });
    if (adopting.length > 0) {
      // The adopted come back changed, and with them this key.
      await carryOut(cache, adopting);
      return againIn(0);
    }

    const history = historyOf(object, revisions, { hashLabel, reference });
    if (!isLeaving(object)) await carryOut(cache, keepCurrent(client, history));
    const before = [...history.old, history.current].find(
      ({ metadata }) => metadata.name === object.status?.currentRevision,
    );
    const current = before ?? history.current;
    const names = { current: current.metadata.name, update: history.current.metadata.name };
    const unfree = unfreeOrdinals(object, cache);
    const decision = decide({ set: object, pods, revisions: names, unfree, now });

    let failure: unknown;
    try {
      const held = pods.filter((one) => !decision.condemned.includes(one));
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
    if (!isLeaving(object)) await carryOut(cache, forgetting(object, history, pods, names.current, context));
    return againIn(decision.againMs);
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
  return forgetOld(client, object, { old, isLive: ({ metadata }) => live.has(metadata.name), countsLive: false });
}

/** Missing claims of pods that wait for them, owners of claims, and labels that pods should bear. */
function keepingUp(
  object: StatefulSet,
  { held, condemned }: { held: readonly Pod[]; condemned: readonly Pod[] },
  context: Context,
): WriteStep[] {
  const { client, events } = context;
  const writes: WriteStep[] = [];
  for (const one of held) {
    if (one.status?.phase === "Pending" && !isLeaving(one))
      writes.push(...missingClaims(object, one.metadata.name, context));
    const labels = identityLabels(object, ordinalOf(one, object) ?? 0);
    const isLabelled = Object.entries(labels).every(([name, value]) => one.metadata.labels?.[name] === value);
    const owners = settledOwners(object, { pod: one, isCondemned: false }, context);
    writes.push(...owners);
    if (isLeaving(one) || (isLabelled && owners.length === 0)) continue;
    writes.push(async () => {
      const written = isLabelled
        ? undefined
        : await client.patch(pod, keyOf(one), { type: "merge", document: { metadata: { labels } } });
      const message = `Update Pod ${one.metadata.name} in StatefulSet ${object.metadata.name} successful`;
      events.record(object, { type: "Normal", reason: "SuccessfulUpdate", message });
      return written;
    });
  }
  for (const one of condemned) writes.push(...settledOwners(object, { pod: one, isCondemned: true }, context));
  return writes;
}

/** The writes after which the claims of a pod go with whom they should. */
function settledOwners(object: StatefulSet, holder: Holder, { cache, client, events }: Context): WriteStep[] {
  return claimsFor(object, holder.pod.metadata.name).flatMap(({ metadata: wanted }) => {
    const present = claimNamed(cache, wanted);
    const ownerReferences = present && !isLeaving(present) && ownersWanted(object, present, holder);
    if (!ownerReferences) return [];
    if (hasOtherController(object, present, holder))
      events.record(object, {
        type: "Warning",
        reason: "ConflictingController",
        message: `PersistentVolumeClaim ${wanted.name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`,
      });
    return [
      () => client.update(persistentVolumeClaim, { ...present, metadata: { ...present.metadata, ownerReferences } }),
    ];
  });
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
    try {
      const doomed = claimsFor(object, name).find(({ metadata }) => isGoing(claimNamed(cache, metadata)));
      if (doomed) throw new Error(`pvc ${doomed.metadata.name} is being deleted`);
      await carryOut(cache, missingClaims(object, name, context));
      const ownerReferences = [controlledBy(statefulSet, object)];
      const created = await client.create(pod, { ...blank, metadata: { ...blank.metadata, ownerReferences } });
      await carryOut(cache, settledOwners(object, { pod: created, isCondemned: false }, context));
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
    .filter(({ metadata }) => !claimNamed(cache, metadata))
    .map((blank): WriteStep => {
      const claim = blank.metadata.name;
      return async () => {
        try {
          const created = await client.create(persistentVolumeClaim, blank);
          const message = `Create Claim ${claim} Pod ${name} in StatefulSet ${object.metadata.name} success`;
          events.record(object, { type: "Normal", reason: "SuccessfulCreate", message });
          return created;
        } catch (error) {
          if (isReason(error, "AlreadyExists") || isNamespaceLeaving(error)) return undefined;
          const why = (error as Error).message;
          const message = `Create Claim ${claim} for Pod ${name} in StatefulSet ${object.metadata.name} failed error: ${why}`;
          events.record(object, { type: "Warning", reason: "FailedCreate", message });
          throw new Error(`failed to create PVC ${claim}: ${why}`, { cause: error });
        }
      };
    });
}

/** Ordinals without a pod whose claims still go with the one that was there before. */
function unfreeOrdinals(object: StatefulSet, cache: Cache): ReadonlySet<number> {
  if (object.spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== "Delete") return new Set();
  const start = object.spec.ordinals?.start ?? 0;
  const ordinals = Array.from({ length: object.spec.replicas ?? 1 }, (_, index) => start + index);
  return new Set(
    ordinals.filter((ordinal) => {
      const name = podName(object, ordinal);
      return claimsFor(object, name).some(({ metadata }) => {
        const present = claimNamed(cache, metadata);
        return present !== undefined && goesWithEarlierPod(present, name);
      });
    }),
  );
}

function claimNamed(cache: Cache, { namespace, name = "" }: { namespace?: string; name?: string }) {
  return cache.get(persistentVolumeClaim, { namespace, name });
}

function isGoing(claim: PersistentVolumeClaim | undefined): boolean {
  return claim !== undefined && isLeaving(claim);
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
