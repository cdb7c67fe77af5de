import { isLeaving } from "../../api/object.ts";
import { hasEnded } from "../../api/pod-phase.ts";
import type { Job, JobCondition, JobStatus, Pod } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import { delayMs } from "../../base/backoff.ts";
import { conditionOf, withoutZeros } from "../conditions.ts";
import { isActive, isReady } from "../pods.ts";
import { inOrderOfRemoval } from "../replicaset/ranking.ts";
import { soonest } from "../soonest.ts";
import { verdictOn } from "./failure-policy.ts";
import { indexesText, parseIndexes } from "./indexes.ts";
import { conditionFrom, type Outcome, outcomeOf, reached, type Tally, untilDeadlineMs } from "./outcome.ts";
import {
  attemptsBefore,
  endedAt,
  failuresBefore,
  hasFailed,
  hasSucceeded,
  isIndexed,
  isTracked,
  validIndex,
} from "./pods.ts";

/** Failures in a row: the more, the longer until the next try. */
export interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

/** What the informers held when the key came up. */
export interface Observed {
  readonly job: Job;
  /** The pods that are the Job's. */
  readonly pods: readonly Pod[];
  readonly failures: Failures;
  readonly now: number;
}

/** What should happen next, in this order. */
export interface Decision {
  /** To be deleted, and not to be counted as failed: they are let go of first. */
  readonly withdraw: readonly Pod[];
  /** To be deleted; what is left of them is counted. */
  readonly remove: readonly Pod[];
  readonly create: readonly NewPod[];
  /** The status before pods are let go of: it names those that are counted. `active` is without the new pods. */
  readonly status: JobStatus;
  /** Those that are counted now, and may go. */
  readonly letGo: readonly Pod[];
  readonly events: readonly { readonly reason: string; readonly message: string }[];
  readonly failures: Failures;
  readonly againMs: number | undefined;
}

/** A pod to be made: of an Indexed Job for this index, perhaps in the place of one that failed. */
export interface NewPod {
  readonly index?: number | undefined;
  readonly failed?: Pod | undefined;
}

const retryWaits = { firstMs: 10_000, maxMs: 600_000 };

/** As many as one round creates or removes at most, as in Kubernetes. */
const burst = 500;

export function decide(seen: Observed): Decision {
  const { pods, now } = seen;
  // Those that were let go of before an earlier round was broken off.
  const tracked = new Set(pods.filter(isTracked).map(({ metadata }) => metadata.uid ?? ""));
  const job = seen.job.status ? { ...seen.job, status: counted(seen.job, seen.job.status, tracked) } : seen.job;
  const observed = { ...seen, job };
  const old = job.status ?? {};
  const begun = withStart(job, now);
  const counting = countedNow(observed);
  const active = pods.filter(isActive);
  const lasting = outcomeOf({ ...job, status: begun }, pods, counting, now);
  const plan = isLeaving(job) ? idle : lasting ? { ...idle, remove: active } : planned(observed, active, counting);
  const gone = new Set([...plan.withdraw, ...plan.remove]);
  const staying = active.filter((pod) => !gone.has(pod));
  const isDone = !isLeaving(job) && !lasting && isComplete(job, counting, staying.length + plan.create.length);
  const outcome = lasting ?? (isDone ? reached : undefined);
  // A Job whose end is certain is neither suspended nor resumed any more.
  const suspension = outcome || isLeaving(job) ? { status: begun, events: [] } : withSuspension(job, begun, now);
  const base = suspension.status;
  const terminating = pods.filter((pod) => isLeaving(pod) && !hasEnded(pod)).length + gone.size;
  const { uncounted, letGo } = countOff(observed, { outcome, plan, counting });
  const deadlineMs = outcome ? undefined : untilDeadlineMs({ ...job, status: base }, now);
  const againMs = soonest([deadlineMs, plan.againMs]);
  const { conditions: _conditions, startTime: _startTime, ...counters } = old;
  const conditions = outcome ? withOutcome(base.conditions ?? [], outcome, now) : (base.conditions ?? []);
  return {
    withdraw: plan.withdraw,
    remove: plan.remove,
    create: isDone ? [] : plan.create,
    status: {
      ...keptCounters(counters),
      ...(conditions.length > 0 && { conditions }),
      ...(base.startTime && { startTime: base.startTime }),
      ...(isIndexed(job) ? indexedCounters(job, counting) : withoutZeros({ succeeded: old.succeeded ?? 0 })),
      ...withoutZeros({ active: staying.length }),
      ready: staying.filter(isReady).length,
      terminating,
      uncountedTerminatedPods: uncounted,
    },
    letGo,
    events: suspension.events,
    failures: counting.failures,
    againMs: againMs && Math.max(0, againMs),
  };
}

/** The status once the pods that it counts have been let go of: what was uncounted moves to the counters. */
export function counted(job: Job, status: JobStatus, stillTracked: ReadonlySet<string>): JobStatus {
  const { failed = [], succeeded = [] } = status.uncountedTerminatedPods ?? {};
  const waiting = (uids: readonly string[]): string[] => uids.filter((uid) => stillTracked.has(uid));
  const newlyFailed = failed.length - waiting(failed).length;
  const newlySucceeded = succeeded.length - waiting(succeeded).length;
  if (newlyFailed + newlySucceeded === 0) return status;
  return {
    ...status,
    ...withoutZeros({
      failed: (status.failed ?? 0) + newlyFailed,
      succeeded: (status.succeeded ?? 0) + (isIndexed(job) ? 0 : newlySucceeded),
    }),
    uncountedTerminatedPods: uncountedFrom(waiting(succeeded), waiting(failed)),
  };
}

/** What the pods that ended since the last round add to what the status says. */
interface Counting extends Tally {
  readonly succeeded: number;
  readonly failures: Failures;
  readonly ended: ReadonlySet<Pod>;
}

function countedNow({ job, pods, failures }: Observed): Counting {
  const { spec, status = {} } = job;
  const { failed: failedUids = [], succeeded: succeededUids = [] } = status.uncountedTerminatedPods ?? {};
  const isNew = (pod: Pod): boolean => {
    const { uid = "" } = pod.metadata;
    const isKnown = failedUids.includes(uid) || succeededUids.includes(uid);
    return isTracked(pod) && !isKnown && (!isIndexed(job) || validIndex(pod, job) !== undefined);
  };
  const fresh = pods.filter(isNew);
  const failed = fresh.filter((pod) => hasFailed(pod, job));
  const succeeded = fresh.filter(hasSucceeded);
  const succeededIndexes = parseIndexes(status.completedIndexes, spec.completions ?? 0);
  if (isIndexed(job)) for (const pod of succeeded) succeededIndexes.add(validIndex(pod, job) ?? 0);
  const perIndex = spec.backoffLimitPerIndex;
  const failedIndexes = parseIndexes(perIndex === undefined ? "" : status.failedIndexes, spec.completions ?? 0);
  if (perIndex !== undefined)
    for (const pod of failed) if (givesUpIndex(pod, job, perIndex)) failedIndexes.add(validIndex(pod, job) ?? 0);
  const countable = failed.filter((pod) => verdictOn(pod, job).action !== "Ignore").length;
  return {
    failed: (status.failed ?? 0) + countable + failedUids.length,
    succeeded: isIndexed(job)
      ? succeededIndexes.size
      : (status.succeeded ?? 0) + succeeded.length + succeededUids.length,
    succeededIndexes,
    failedIndexes,
    failures: failuresAfter(failures, { failed, succeeded }),
    ended: new Set([...failed, ...succeeded]),
  };
}

function givesUpIndex(pod: Pod, job: Job, limit: number): boolean {
  const { action } = verdictOn(pod, job);
  return action === "FailIndex" || (action !== "Ignore" && failuresBefore(pod) >= limit);
}

/** Each failure counts until a pod succeeds. */
function failuresAfter(
  before: Failures,
  { failed, succeeded }: { failed: readonly Pod[]; succeeded: readonly Pod[] },
): Failures {
  const lastSuccessMs = Math.max(-1, ...succeeded.map((pod) => endedAt(pod)));
  const later = failed.map((pod) => endedAt(pod)).filter((ms) => ms > lastSuccessMs);
  if (later.length === 0) return succeeded.length > 0 ? { count: 0, lastMs: 0 } : before;
  const count = (succeeded.length > 0 ? 0 : before.count) + later.length;
  return { count, lastMs: Math.max(before.lastMs, ...later) };
}

interface Plan {
  readonly withdraw: readonly Pod[];
  readonly remove: readonly Pod[];
  readonly create: readonly NewPod[];
  readonly againMs?: number | undefined;
}

const idle: Plan = { withdraw: [], remove: [], create: [] };

function planned(observed: Observed, active: readonly Pod[], counting: Counting): Plan {
  const { job, pods, now } = observed;
  const { spec } = job;
  if (spec.suspend) return { ...idle, withdraw: active.slice(0, burst) };
  const wanted = wantedActive(job, active.length, counting);
  const surplus = surplusOf(job, active, Math.max(0, active.length - wanted), now);
  if (surplus.length > 0) return { ...idle, withdraw: surplus.slice(0, burst) };
  // A Job that replaces only what has failed waits for the end of those that are leaving.
  const ending = pods.filter((pod) => isLeaving(pod) && !hasEnded(pod));
  const leaving = spec.podReplacementPolicy === "Failed" ? ending.length : 0;
  const missing = Math.min(burst, wanted - active.length - leaving);
  if (missing <= 0) return idle;
  if (spec.backoffLimitPerIndex === undefined) {
    const { count, lastMs } = counting.failures;
    const waitMs = count === 0 ? 0 : lastMs + delayMs(count - 1, retryWaits) - now;
    if (waitMs > 0) return { ...idle, againMs: waitMs };
  }
  if (!isIndexed(job)) return { ...idle, create: Array.from({ length: missing }, () => ({})) };
  const blocked = spec.podReplacementPolicy === "Failed" ? [...active, ...ending] : active;
  return pendingIndexes(observed, { count: missing, blocked, counting });
}

function wantedActive({ spec }: Job, active: number, { succeeded }: Counting): number {
  const { parallelism = 1, completions } = spec;
  if (completions === undefined) return succeeded > 0 ? active : parallelism;
  return Math.max(0, Math.min(parallelism, completions - succeeded));
}

/** Those of indexes that the Job does not have (any more) or that are there twice, and as many more as there must be. */
function surplusOf(job: Job, active: readonly Pod[], atLeast: number, now: number): Pod[] {
  const inOrder = inOrderOfRemoval(
    active.map((pod) => ({ pod, neighbours: 0 })),
    now,
  );
  const out: Pod[] = [];
  if (isIndexed(job)) {
    const seen = new Set<number>();
    for (const pod of inOrder.toReversed()) {
      const index = validIndex(pod, job);
      if (index === undefined || seen.has(index)) out.push(pod);
      else seen.add(index);
    }
  }
  const others = inOrder.filter((pod) => !out.includes(pod));
  return [...out, ...others.slice(0, Math.max(0, atLeast - out.length))];
}

/** The lowest indexes that have neither a pod nor an end; where failures are counted by index, each waits for itself. */
function pendingIndexes(
  { job, pods, now }: Observed,
  { count, blocked, counting }: { count: number; blocked: readonly Pod[]; counting: Counting },
): Plan {
  const { completions = 0, backoffLimitPerIndex } = job.spec;
  const taken = new Set([
    ...blocked.flatMap((pod) => validIndex(pod, job) ?? []),
    ...counting.succeededIndexes,
    ...counting.failedIndexes,
  ]);
  const create: NewPod[] = [];
  const waits: number[] = [];
  // One that waits takes the place of those behind it: no more run beside each other than may.
  for (let index = 0; index < completions && create.length + waits.length < count; index++) {
    if (taken.has(index)) continue;
    const failed = backoffLimitPerIndex === undefined ? undefined : lastFailed(pods, job, index);
    const waitMs = failed ? endedAt(failed) + delayMs(attemptsBefore(failed), retryWaits) - now : 0;
    if (waitMs > 0) waits.push(waitMs);
    else create.push({ index, failed });
  }
  return { ...idle, create, againMs: soonest(waits) };
}

/** The failed pod of an index that stays until another takes its place: it says how often the index has failed. */
function lastFailed(pods: readonly Pod[], job: Job, index: number): Pod | undefined {
  return pods
    .filter((pod) => isTracked(pod) && hasFailed(pod, job) && validIndex(pod, job) === index)
    .sort((a, b) => failuresBefore(a) - failuresBefore(b))
    .at(-1);
}

function isComplete({ spec }: Job, { succeeded }: Counting, active: number): boolean {
  if (spec.completions === undefined) return succeeded > 0 && active === 0;
  return succeeded >= spec.completions && active === 0;
}

/** Which pods are counted and may go; those that the status has already count again only once they have been let go of. */
function countOff(
  { job, pods }: Observed,
  { outcome, plan, counting }: { outcome: Outcome | undefined; plan: Plan; counting: Counting },
) {
  const { failed: failedUids = [], succeeded: succeededUids = [] } = job.status?.uncountedTerminatedPods ?? {};
  const tracked = pods.filter((pod) => isTracked(pod) && !plan.withdraw.includes(pod));
  const present = new Set(tracked.map(({ metadata }) => metadata.uid));
  const failed = failedUids.filter((uid) => present.has(uid));
  const succeeded = succeededUids.filter((uid) => present.has(uid));
  const letGo: Pod[] = [];
  for (const pod of tracked) {
    const { uid = "" } = pod.metadata;
    const isFailed = hasFailed(pod, job);
    const mayGo =
      isLeaving(job) || outcome || hasSucceeded(pod) || (isFailed && !isAwaited(pod, pods, job, plan, counting));
    if (!mayGo || letGo.length >= burst) continue;
    letGo.push(pod);
    if (failed.includes(uid) || succeeded.includes(uid)) continue;
    const isValid = !isIndexed(job) || validIndex(pod, job) !== undefined;
    if (hasSucceeded(pod)) {
      if (!isIndexed(job)) succeeded.push(uid);
    } else if (isFailed || outcome?.type === "FailureTarget") {
      if (isValid && verdictOn(pod, job).action !== "Ignore") failed.push(uid);
    }
  }
  return { uncounted: uncountedFrom(succeeded, failed), letGo };
}

/** Whether a failed pod must stay because the next of its index will be counted from it. */
function isAwaited(pod: Pod, pods: readonly Pod[], job: Job, plan: Plan, counting: Counting): boolean {
  const index = validIndex(pod, job);
  if (job.spec.backoffLimitPerIndex === undefined || index === undefined) return false;
  if (counting.failedIndexes.has(index) || counting.succeededIndexes.has(index)) return false;
  if (plan.create.some(({ failed }) => failed === pod)) return true;
  const isReplaced = pods.some((other) => other !== pod && isActive(other) && validIndex(other, job) === index);
  return !isReplaced && lastFailed(pods, job, index) === pod;
}

function uncountedFrom(succeeded: string[], failed: string[]) {
  return { ...(succeeded.length > 0 && { succeeded }), ...(failed.length > 0 && { failed }) };
}

function indexedCounters({ spec }: Job, { succeededIndexes, failedIndexes }: Counting): Partial<JobStatus> {
  return {
    ...withoutZeros({ succeeded: succeededIndexes.size }),
    ...(succeededIndexes.size > 0 && { completedIndexes: indexesText(succeededIndexes) }),
    ...(spec.backoffLimitPerIndex !== undefined && { failedIndexes: indexesText(failedIndexes) }),
  };
}

function keptCounters({ failed, completionTime }: JobStatus): Partial<JobStatus> {
  return { ...(failed && { failed }), ...(completionTime && { completionTime }) };
}

function withOutcome(conditions: readonly JobCondition[], outcome: Outcome, now: number): JobCondition[] {
  if (conditionOf(conditions, outcome.type)?.status === "True") return [...conditions];
  return [...conditions, conditionFrom(outcome, now)];
}

/** The status of a Job that runs says since when. */
function withStart({ spec, status = {} }: Job, now: number): JobStatus {
  return spec.suspend || status.startTime ? status : { ...status, startTime: timeText(now) };
}

/** Says that the Job is suspended or resumed, and since when it runs. */
function withSuspension({ spec }: Job, status: JobStatus, now: number) {
  const said = conditionOf(status.conditions, "Suspended");
  const wanted = spec.suspend ? "True" : "False";
  if (said ? said.status === wanted : !spec.suspend) return { status, events: [] };
  const word = spec.suspend ? "suspended" : "resumed";
  const reason = spec.suspend ? "Suspended" : "Resumed";
  const message = `Job ${word}`;
  const condition = conditionFrom({ type: "Suspended", status: wanted, reason: `Job${reason}`, message }, now);
  const conditions = said
    ? (status.conditions ?? []).map((one) => (one === said ? condition : one))
    : [...(status.conditions ?? []), condition];
  const { startTime: _, ...stopped } = status;
  const next: JobStatus = spec.suspend
    ? { ...stopped, conditions }
    : { ...status, startTime: timeText(now), conditions };
  return { status: next, events: [{ reason, message }] };
}
