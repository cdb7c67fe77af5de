import type { Job, JobCondition, JobStatus, Pod } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import { conditionOf } from "../conditions.ts";
import { verdictOn } from "./failure-policy.ts";
import { parseIndexes } from "./indexes.ts";
import { hasFailed } from "./pods.ts";

/** How a Job will end: said first as what it aims at, and again as its end once all pods have ended and are counted. */
export interface Outcome {
  readonly type: "SuccessCriteriaMet" | "FailureTarget";
  readonly reason: string;
  readonly message: string;
}

/** What has been counted so far, in this round too. */
export interface Tally {
  readonly failed: number;
  readonly succeededIndexes: ReadonlySet<number>;
  readonly failedIndexes: ReadonlySet<number>;
}

export const reached: Outcome = {
  type: "SuccessCriteriaMet",
  reason: "CompletionsReached",
  message: "Reached expected number of succeeded pods",
};

/** The condition that says how the Job ended; undefined while it goes on. */
export function endOf({ status }: Job): JobCondition | undefined {
  return status?.conditions?.find(
    ({ type, status: is }) => (type === "Complete" || type === "Failed") && is === "True",
  );
}

export function hasFinished(job: Job): boolean {
  return endOf(job) !== undefined;
}

/** The outcome that is certain whatever else the pods do; undefined while there is none. */
export function outcomeOf(job: Job, pods: readonly Pod[], tally: Tally, now: number): Outcome | undefined {
  return saidBefore(job) ?? failsByPolicy(job, pods) ?? exceedsLimits(job, pods, tally, now) ?? byIndexes(job, tally);
}

/** When the Job's time is over. */
export function untilDeadlineMs({ spec, status }: Job, now: number): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || spec.suspend || !status?.startTime) return undefined;
  return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - now;
}

/** The status with the last word said, when nothing stands in its way any more. */
export function withEnd(status: JobStatus, now: number): JobStatus {
  const { failed = [], succeeded = [] } = status.uncountedTerminatedPods ?? {};
  const target = [conditionOf(status.conditions, "FailureTarget"), conditionOf(status.conditions, "SuccessCriteriaMet")]
    .flatMap((one) => one ?? [])
    .find((one) => one.status === "True");
  if (!target || failed.length + succeeded.length > 0 || (status.terminating ?? 0) > 0) return status;
  const isFailure = target.type === "FailureTarget";
  const { reason = "", message = "" } = target;
  const end = conditionFrom({ type: isFailure ? "Failed" : "Complete", reason, message }, now);
  const time = isFailure ? {} : { completionTime: timeText(now) };
  return { ...status, ...time, conditions: [...(status.conditions ?? []), end] };
}

export function conditionFrom(
  { type, reason, message, status = "True" }: { type: string; reason: string; message: string; status?: string },
  now: number,
): JobCondition {
  const time = timeText(now);
  return { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
}

function saidBefore({ status }: Job): Outcome | undefined {
  for (const type of ["FailureTarget", "SuccessCriteriaMet"] as const) {
    const condition = conditionOf(status?.conditions, type);
    if (condition?.status === "True") return { type, reason: condition.reason ?? "", message: condition.message ?? "" };
  }
  return undefined;
}

function failsByPolicy(job: Job, pods: readonly Pod[]): Outcome | undefined {
  const verdict = pods
    .filter((pod) => hasFailed(pod, job))
    .map((pod) => verdictOn(pod, job))
    .find(({ action }) => action === "FailJob");
  return verdict && failure("PodFailurePolicy", verdict.message);
}

function exceedsLimits(job: Job, pods: readonly Pod[], { failed }: Tally, now: number): Outcome | undefined {
  const limit = job.spec.backoffLimit ?? 6;
  if (failed > limit || restartedTooOften(job, pods, limit))
    return failure("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  const leftMs = untilDeadlineMs(job, now);
  if (leftMs !== undefined && leftMs <= 0)
    return failure("DeadlineExceeded", "Job was active longer than specified deadline");
  return undefined;
}

function restartedTooOften({ spec }: Job, pods: readonly Pod[], limit: number): boolean {
  if (spec.template.spec?.restartPolicy !== "OnFailure") return false;
  const restarts = pods
    .filter((pod) => ["Running", "Pending"].includes(pod.status?.phase ?? ""))
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function byIndexes({ spec }: Job, { succeededIndexes, failedIndexes }: Tally): Outcome | undefined {
  if (spec.completionMode !== "Indexed") return undefined;
  const { completions = 0, maxFailedIndexes, successPolicy } = spec;
  if (maxFailedIndexes !== undefined && failedIndexes.size > maxFailedIndexes)
    return failure("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
  if (failedIndexes.size > 0 && failedIndexes.size + succeededIndexes.size >= completions)
    return failure("FailedIndexes", "Job has failed indexes");
  const rule = (successPolicy?.rules ?? []).findIndex(({ succeededIndexes: text, succeededCount }) => {
    const wanted = text === undefined ? succeededIndexes : parseIndexes(text, completions);
    const there = [...wanted].filter((index) => succeededIndexes.has(index)).length;
    return there >= (succeededCount ?? wanted.size);
  });
  if (rule < 0) return undefined;
  return { type: "SuccessCriteriaMet", reason: "SuccessPolicy", message: `Matched rules at index ${rule}` };
}

function failure(reason: string, message: string): Outcome {
  return { type: "FailureTarget", reason, message };
}
