import { isDeepStrictEqual } from "node:util";
import { job } from "../../api/kinds/batch/job.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { controllerRef, type KubeObject, keyFrom, keyOf, keyText, type ObjectKey } from "../../api/object.ts";
import type { Job, JobStatus, Pod } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { carryOut, type WriteStep } from "../../client/carry-out.ts";
import type { Client } from "../../client/client.ts";
import { againIn, type Context, type Controller, defineController, settled } from "../../client/controller.ts";
import { claimIn, controlledBy, ownersOf, settleClaim } from "../ownership.ts";
import { creationOf, removalOf } from "../pod-writes.ts";
import { counted, type Decision, decide, type Failures } from "./decide.ts";
import { hasFinished, withEnd } from "./outcome.ts";
import { isTracked, podFrom, tracking } from "./pods.ts";

const ownName = "kubernetes.io/job-controller";
const nameLabel = "batch.kubernetes.io/job-name";

/** Changes of pods are gathered for so long, so that pods which end together are counted together. */
const gatheringMs = 1000;

/** Runs pods to completion (Kubernetes docs, "Jobs"). */
export function jobController(): Controller {
  /** Failures since the last success, by namespace and name. */
  const failures = new Map<string, Failures>();

  return defineController<Job>({
    name: "job",
    reconciles: job,
    failureWaits: { firstMs: 1000, maxMs: 60_000 },
    gatherMs: ({ before, after }) =>
      before && after && before.metadata.generation === after.metadata.generation ? gatheringMs : 0,
    watches: [
      { kind: pod, keys: ownersOf(job, ({ spec }) => spec.selector), gatherMs: () => gatheringMs },
      { kind: pod, keys: (object) => trackedFor(object as Pod).map(keyFrom), gatherMs: () => gatheringMs },
    ],

    async reconcile(key, context) {
      const { cache, client, now } = context;
      const object = cache.get(job, key);
      const uid = object?.metadata.uid;
      const isOver = !object || hasFinished(object);
      // Pods that nobody will count: their Job is gone or has ended, or they are nobody's any more.
      const stray = cache
        .by(pod, trackedFor, keyText(key))
        .filter((one) => isOver || controllerRef(one)?.uid !== uid)
        .filter((one) => !controllerRef(one) || controllerRef(one)?.kind === "Job");
      await carryOut(
        cache,
        stray.map((one) => lettingGo(client, one)),
      );
      if (isOver || (object.spec.managedBy && object.spec.managedBy !== ownName)) {
        failures.delete(keyText(key));
        return settled;
      }

      const claimed = claimIn(cache, pod, { owner: object, selector: object.spec.selector ?? {} });
      const reference = controlledBy(job, object);
      const adopting = settleClaim(client, pod, claimed, reference, { finalizers: [tracking] });
      if (adopting.length > 0) {
        await carryOut(cache, adopting);
        return { again: { afterMs: 0 } };
      }
      const known = failures.get(keyText(key)) ?? { count: 0, lastMs: 0 };
      const decision = decide({ job: object, pods: claimed.owned, failures: known, now });
      return carryOutDecision(object, claimed.owned, decision, context);
    },
  });

  async function carryOutDecision(object: Job, pods: readonly Pod[], decision: Decision, context: Context) {
    const { cache, client, events, now } = context;
    for (const { reason, message } of decision.events) events.record(object, { type: "Normal", reason, message });
    let created = 0;
    let failure: unknown;
    try {
      await carryOut(cache, [
        ...decision.withdraw.map(
          (one): WriteStep =>
            async (shown) => {
              await lettingGo(client, one)(shown);
              return removalOf(one, object, context)(shown);
            },
        ),
        ...decision.remove.map((one) => removalOf(one, object, context)),
        ...decision.create.map(({ index, failed }): WriteStep => {
          const blank = podFrom(object, index, failed);
          const ownerReferences = [controlledBy(job, object)];
          const create = creationOf({ ...blank, metadata: { ...blank.metadata, ownerReferences } }, object, context);
          return async (shown) => {
            const written = await create(shown);
            if (written) created++;
            return written;
          };
        }),
      ]);
    } catch (error) {
      failure = error;
    }

    const active = (decision.status.active ?? 0) + created;
    const status = { ...decision.status, ...(active > 0 && { active }) };
    let current = await writeStatus(object, status, context);
    // Whoever is named in the status now is counted even if this process ends here.
    failures.set(keyText(keyOf(object)), decision.failures);
    await carryOut(
      cache,
      decision.letGo.map((one) => lettingGo(client, one)),
    );
    const freed = new Set(decision.letGo);
    const stillTracked = new Set(
      pods.filter((one) => isTracked(one) && !freed.has(one)).map(({ metadata }) => metadata.uid ?? ""),
    );
    const ended = withEnd(counted(current, current.status ?? {}, stillTracked), now);
    current = await writeStatus(current, ended, context);
    if (hasFinished(current)) tellEnd(current, context);
    if (failure) throw failure;
    return hasFinished(current) ? settled : againIn(decision.againMs);
  }
}

async function writeStatus(object: Job, status: JobStatus, { cache, client }: Context): Promise<Job> {
  if (isDeepStrictEqual(object.status, status)) return object;
  const written = await client.updateStatus(job, { ...object, status });
  await cache.seen(written);
  return written;
}

function tellEnd(object: Job, { events }: Context): void {
  const { type, reason = "", message = "" } = object.status?.conditions?.at(-1) ?? {};
  if (type !== "Complete") {
    events.record(object, { type: "Warning", reason, message });
    return;
  }
  if ((object.status?.succeeded ?? 0) > (object.spec.completions ?? Number.POSITIVE_INFINITY))
    events.record(object, {
      type: "Warning",
      reason: "TooManySucceededPods",
      message: "Too many succeeded pods running after completion count reached",
    });
  events.record(object, { type: "Normal", reason: "Completed", message: "Job completed" });
}

/** Takes a Job's finalizer from a pod; that the pod is gone already is no error. */
function lettingGo(client: Client, held: Pod): WriteStep {
  return async (cache) => {
    if (!isTracked(held)) return undefined;
    const document = {
      metadata: { uid: held.metadata.uid, "$deleteFromPrimitiveList/finalizers": [tracking] },
    };
    try {
      await client.patch(pod, keyOf(held), { type: "strategic", document });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
    // That may have been the end of the pod. Seen as it was, it would be counted once more.
    await cache.until(pod, held, (now) => !isTracked(now));
    return undefined;
  };
}

/** The Jobs that a pod with their finalizer may be waiting for: its owner, or the one that made it. */
function trackedFor(held: Pod): readonly string[] {
  if (!isTracked(held)) return [];
  const owner = controllerRef(held);
  const name = owner ? owner.name : held.metadata.labels?.[nameLabel];
  return name ? [keyText(siblingKey(held, name))] : [];
}

const siblingKey = ({ metadata }: KubeObject, name: string): ObjectKey => ({ namespace: metadata.namespace, name });
