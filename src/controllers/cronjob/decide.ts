import { parseSchedule, type Schedule, ScheduleError } from "../../api/kinds/batch/schedule.ts";
import { isLeaving } from "../../api/object.ts";
import type { CronJob, CronJobStatus, Job, ObjectReference } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import type { EventNews } from "../../client/events.ts";
import { endOf } from "../job/outcome.ts";
import { latestTime, localTimeZone, mailTimeText, nextTime, offsetMinutes } from "./times.ts";

/** What the informers held when the key came up. */
export interface Observed {
  readonly cronJob: CronJob;
  /** The Jobs that are the CronJob's. */
  readonly jobs: readonly Job[];
  readonly now: number;
}

/** What should happen next. */
export interface Decision {
  readonly remove: readonly Job[];
  /** The time for which a Job is to be made. Its place in the status comes with it. */
  readonly start?: { readonly scheduledMs: number };
  readonly status: CronJobStatus;
  readonly events: readonly EventNews[];
  /** Until the next time of the schedule. */
  readonly againMs?: number;
}

/** A little later than the time itself: clocks are not that exact. */
const marginMs = 100;
const manyMissed = 100;

export function decide(observed: Observed): Decision {
  const { cronJob, jobs, now } = observed;
  const surplus = beyondHistory(cronJob, jobs);
  const accounted = account(cronJob, jobs, surplus);
  const base = { remove: surplus, status: accounted.status, events: accounted.events };
  if (isLeaving(cronJob) || cronJob.spec.suspend) return base;
  const plan = planFrom(cronJob);
  if ("reason" in plan) return { ...base, events: [...base.events, plan] };

  const { schedule, timeZone } = plan;
  const next = nextTime(schedule, lastBefore(cronJob, schedule, { now, timeZone }), timeZone);
  if (next === undefined) return { ...base, events: [...base.events, neverDue(cronJob)] };
  const waiting = { ...base, againMs: next - now + marginMs };
  const warn = (reason: string, message: string): Decision => ({
    ...waiting,
    events: [...base.events, { type: "Warning", reason, message }],
  });
  const due = latestTime(schedule, { afterMs: since(cronJob, now), now, timeZone });
  if (!due) return waiting;
  const deadline = cronJob.spec.startingDeadlineSeconds;
  if (deadline !== undefined && due.time + deadline * 1000 < now)
    return warn("MissSchedule", `Missed scheduled time to start a job: ${mailTimeText(due.time)}`);
  const events = due.missed > manyMissed ? [...base.events, tooManyMissed] : base.events;
  const { active = [], lastScheduleTime } = accounted.status;
  const isStarted = active.some(({ name }) => name === jobName(cronJob, due.time));
  if (isStarted || Date.parse(lastScheduleTime ?? "") === due.time) return { ...waiting, events };
  if (cronJob.spec.concurrencyPolicy === "Forbid" && active.length > 0)
    return { ...waiting, events: [...events, alreadyActive] };
  const replaced =
    cronJob.spec.concurrencyPolicy === "Replace"
      ? jobs.filter(({ metadata }) => active.some(({ uid }) => uid === metadata.uid))
      : [];
  return {
    ...waiting,
    remove: [...surplus, ...replaced],
    start: { scheduledMs: due.time },
    status: {
      ...withActive(
        accounted.status,
        active.filter(({ uid }) => !replaced.some(({ metadata }) => metadata.uid === uid)),
      ),
    },
    events,
  };
}

/** The status when a Job for this time has been made. */
export function withStarted(status: CronJobStatus, started: Job, scheduledMs: number): CronJobStatus {
  const { name, namespace, uid, resourceVersion } = started.metadata;
  const reference: ObjectReference = {
    apiVersion: "batch/v1",
    kind: "Job",
    name,
    ...(namespace && { namespace }),
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
  };
  return { ...status, active: [...(status.active ?? []), reference], lastScheduleTime: timeText(scheduledMs) };
}

/** A Job is named after its minute, so that it is made once, whatever happens. */
export function jobName({ metadata }: CronJob, scheduledMs: number): string {
  return `${metadata.name}-${Math.floor(scheduledMs / 60_000)}`;
}

const alreadyActive: EventNews = {
  type: "Normal",
  reason: "JobAlreadyActive",
  message: "Not starting job because prior execution is running and concurrency policy is Forbid",
};

const tooManyMissed: EventNews = {
  type: "Warning",
  reason: "TooManyMissedTimes",
  message: "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
};

/** For 31 February; the words are about what that looks like from inside Kubernetes' controller. */
function neverDue({ spec }: CronJob): EventNews {
  const why = "time difference between two schedules is less than 1 second";
  return { type: "Warning", reason: "InvalidSchedule", message: `invalid schedule: ${spec.schedule} : ${why}` };
}

function planFrom({ spec }: CronJob): { schedule: Schedule; timeZone: string } | EventNews {
  const { schedule, timeZone = localTimeZone() } = spec;
  try {
    offsetMinutes(0, timeZone);
  } catch {
    const message = `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`;
    return { type: "Warning", reason: "UnknownTimeZone", message };
  }
  try {
    return { schedule: parseSchedule(schedule), timeZone };
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    const message = `unparseable schedule: ${JSON.stringify(schedule)} : ${error.message}`;
    return { type: "Warning", reason: "UnparseableSchedule", message };
  }
}

/** The last time for which a Job was made, or else the beginning. */
function beginning({ metadata, status }: CronJob, now: number): number {
  return Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp ?? "") || now;
}

/** From when on times count: since the last one, but none for which it is too late. */
function since(cronJob: CronJob, now: number): number {
  const deadline = cronJob.spec.startingDeadlineSeconds;
  const last = beginning(cronJob, now);
  return deadline === undefined ? last : Math.max(last, now - deadline * 1000);
}

/** The latest time of the schedule, from which "every 5 minutes" counts on, whenever it is looked at. */
function lastBefore(
  cronJob: CronJob,
  schedule: Schedule,
  { now, timeZone }: { now: number; timeZone: string },
): number {
  const afterMs = beginning(cronJob, now);
  return latestTime(schedule, { afterMs, now, timeZone })?.time ?? afterMs;
}

/** Takes ended Jobs from the list of active ones, and notes the last success. */
function account(cronJob: CronJob, jobs: readonly Job[], removed: readonly Job[]) {
  const { status = {} } = cronJob;
  const events: EventNews[] = [];
  const byUid = new Map(jobs.map((job) => [job.metadata.uid, job]));
  let { lastSuccessfulTime } = status;
  for (const job of jobs) {
    const { completionTime } = job.status ?? {};
    if (endOf(job)?.type !== "Complete" || !completionTime) continue;
    if (!lastSuccessfulTime || Date.parse(completionTime) > Date.parse(lastSuccessfulTime))
      lastSuccessfulTime = completionTime;
  }
  const listed = new Set((status.active ?? []).map(({ uid }) => uid));
  for (const job of jobs) {
    if (listed.has(job.metadata.uid) || endOf(job)) continue;
    const message = `Saw a job that the controller did not create or forgot: ${job.metadata.name}`;
    events.push({ type: "Warning", reason: "UnexpectedJob", message });
  }
  const active = (status.active ?? []).filter(({ uid, name }) => {
    const job = byUid.get(uid);
    if (!job) {
      events.push({ type: "Normal", reason: "MissingJob", message: `Active job went missing: ${name}` });
      return false;
    }
    const end = endOf(job)?.type;
    if (end && !removed.includes(job))
      events.push({
        type: "Normal",
        reason: "SawCompletedJob",
        message: `Saw completed job: ${name}, condition: ${end}`,
      });
    return !end && !removed.includes(job);
  });
  return { status: withActive({ ...status, ...(lastSuccessfulTime && { lastSuccessfulTime }) }, active), events };
}

function withActive({ active: _, ...status }: CronJobStatus, active: readonly ObjectReference[]): CronJobStatus {
  return { ...status, ...(active.length > 0 && { active: [...active] }) };
}

/** Ended Jobs that are too many, oldest first. */
function beyondHistory({ spec }: CronJob, jobs: readonly Job[]): Job[] {
  const ended = jobs.filter((job) => !isLeaving(job)).sort((a, b) => startOf(a) - startOf(b));
  const surplus = (end: string, limit: number | undefined): Job[] => {
    const ofSort = ended.filter((job) => endOf(job)?.type === end);
    return limit === undefined ? [] : ofSort.slice(0, Math.max(0, ofSort.length - limit));
  };
  return [...surplus("Complete", spec.successfulJobsHistoryLimit), ...surplus("Failed", spec.failedJobsHistoryLimit)];
}

const startOf = ({ metadata, status }: Job): number =>
  Date.parse(status?.startTime ?? metadata.creationTimestamp ?? "") || 0;
