import { isDeepStrictEqual } from "node:util";
import { cronJob } from "../../api/kinds/batch/cron-job.ts";
import { job } from "../../api/kinds/batch/job.ts";
import type { CronJob, CronJobStatus, Job } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { carryOut, deletion, type WriteStep } from "../../client/carry-out.ts";
import type { Unsaved } from "../../client/client.ts";
import { againIn, type Context, controllerOf, defineController, settled } from "../../client/controller.ts";
import { byController, controlledBy } from "../ownership.ts";
import { isNamespaceLeaving } from "../pod-writes.ts";
import { decide, jobName, withStarted } from "./decide.ts";
import { zonedText } from "./times.ts";

/** Starts Jobs when their time has come (Kubernetes docs, "CronJob"). Nothing happens between the times of a schedule. */
export const cronJobController = defineController<CronJob>({
  name: "cronjob",
  reconciles: cronJob,
  watches: [{ kind: job, keys: controllerOf("CronJob") }],

  async reconcile(key, context) {
    const { cache, client, events, now } = context;
    const object = cache.get(cronJob, key);
    if (!object) return settled;
    const jobs = cache.by(job, byController, object.metadata.uid ?? "");
    const decision = decide({ cronJob: object, jobs, now });
    for (const news of decision.events) events.record(object, news);
    await carryOut(
      cache,
      decision.remove.map((one) => removal(object, one, context)),
    );
    const status = decision.start ? await started(object, decision.status, decision.start, context) : decision.status;
    if (!isDeepStrictEqual(status, object.status ?? {}))
      await carryOut(cache, [() => client.updateStatus(cronJob, { ...object, status })]);
    return againIn(decision.againMs);
  },
});

/** Makes the Job of a time; the status then names it. */
async function started(
  object: CronJob,
  status: CronJobStatus,
  { scheduledMs }: { scheduledMs: number },
  { cache, client, events }: Context,
): Promise<CronJobStatus> {
  const name = jobName(object, scheduledMs);
  const { metadata = {}, spec } = object.spec.jobTemplate as { metadata?: Partial<Job["metadata"]>; spec: Job["spec"] };
  const blank: Unsaved<Job> = structuredClone({
    metadata: {
      name,
      namespace: object.metadata.namespace ?? "",
      ...(metadata.labels && { labels: metadata.labels }),
      annotations: {
        ...metadata.annotations,
        "batch.kubernetes.io/cronjob-scheduled-timestamp": zonedText(scheduledMs, object.spec.timeZone ?? "UTC"),
      },
      ownerReferences: [controlledBy(cronJob, object)],
    },
    spec,
  });
  try {
    const created = await client.create(job, blank);
    await cache.seen(created);
    events.record(object, { type: "Normal", reason: "SuccessfulCreate", message: `Created job ${name}` });
    return withStarted(status, created, scheduledMs);
  } catch (error) {
    if (isNamespaceLeaving(error)) return status;
    if (!isReason(error, "AlreadyExists")) {
      const message = `Error creating job: ${(error as Error).message}`;
      events.record(object, { type: "Warning", reason: "FailedCreate", message });
      throw error;
    }
    // Made in a round that was broken off before its status was written.
    const present = await client.get(job, { namespace: object.metadata.namespace, name });
    const isOurs = present.metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid);
    if (!isOurs) throw error;
    return withStarted(status, present, scheduledMs);
  }
}

function removal(object: CronJob, surplus: Job, { client, events }: Context): WriteStep {
  return async (cache) => {
    try {
      await deletion(client, job, surplus, { propagationPolicy: "Background" })(cache);
    } catch (error) {
      const message = `Deleted job: ${(error as Error).message}`;
      events.record(object, { type: "Warning", reason: "FailedDelete", message });
      throw error;
    }
    const message = `Deleted job ${surplus.metadata.name}`;
    events.record(object, { type: "Normal", reason: "SuccessfulDelete", message });
    return undefined;
  };
}
