import { isDeepStrictEqual } from "node:util";
import { type FieldError, omittedValue, type Path } from "../../field.ts";
import { goView } from "../../go-view.ts";
import type { Job, JobSpec, JobStatus, UncountedTerminatedPods } from "../../schema/types.ts";
import { validateCounts } from "../apps/workload-rules.ts";
import { countIndexes, indexIntervals } from "./job-rules.ts";

/*
 * What a Job's controller, which need not be Kubernetes' own, may say (Kubernetes docs, "Jobs", section "Delegation of managing a
 * Job object to external controller"): clients rely on how a Job ends. What was wrong before and did not change is let be.
 */

export function validateJobStatus(job: Job, old: Job, at: Path): FieldError[] {
  const [status, before]: [JobStatus, JobStatus] = [job.status ?? {}, old.status ?? {}];
  const changed = (...fields: (keyof JobStatus)[]) =>
    fields.some((field) => !isDeepStrictEqual(status[field], before[field]));
  const turned = (...types: string[]) => types.some((type) => has(status, type) !== has(before, type));
  const ended = isFinished(status) !== isFinished(before);
  return [
    ...validateCounts(status, at, ["active", "succeeded", "failed", "ready", "terminating"]),
    ...validateUncounted(status.uncountedTerminatedPods, at.child("uncountedTerminatedPods")),
    ...validateEnd(status, { changed, turned, at }),
    ...(isFinished(status) ? validateAtEnd(status, { changed, ended, at }) : []),
    ...validateIndexes(status, job.spec, changed, at),
    ...validateRunning(status, { changed, ended, at }),
    ...validateSuccess(status, job.spec, at.child("conditions")),
    ...validateCourse(job, old, at),
  ];
}

interface Judged {
  changed(...fields: (keyof JobStatus)[]): boolean;
  /** Whether one of the conditions came or went. */
  turned(...types: string[]): boolean;
  readonly at: Path;
}

function has({ conditions }: JobStatus, wanted: string): boolean {
  return (conditions ?? []).some(({ type, status }) => type === wanted && status === "True");
}

const isFinished = (status: JobStatus): boolean => has(status, "Complete") || has(status, "Failed");

/** Pods that have ended and are not in the counters yet: each once. */
function validateUncounted(pods: UncountedTerminatedPods | undefined, at: Path): FieldError[] {
  const seen = new Set<string>();
  return (["succeeded", "failed"] as const).flatMap((list) =>
    (pods?.[list] ?? []).flatMap((uid, i) => {
      const place = at.child(list).index(i);
      if (uid === "") return [place.invalid(uid, "must not be empty")];
      if (seen.has(uid)) return [place.duplicate(uid)];
      seen.add(uid);
      return [];
    }),
  );
}

/** A Job is complete or has failed, and the time when it was complete belongs to the one that is. */
function validateEnd(status: JobStatus, { changed, turned, at }: Judged): FieldError[] {
  const { startTime, completionTime } = status;
  const complete = has(status, "Complete");
  const conditions = at.child("conditions");
  const time = at.child("completionTime");
  const errors: FieldError[] = [];
  if (turned("Complete", "Failed") && complete && has(status, "Failed"))
    errors.push(conditions.invalid(omittedValue, "cannot set Complete=True and Failed=true conditions"));
  if (turned("Complete", "FailureTarget") && complete && has(status, "FailureTarget"))
    errors.push(conditions.invalid(omittedValue, "cannot set Complete=True and FailureTarget=true conditions"));
  if (turned("Complete") || changed("completionTime")) {
    if (completionTime && !complete)
      errors.push(time.invalid(completionTime, "cannot set completionTime when there is no Complete=True condition"));
    if (!completionTime && complete) errors.push(time.required("completionTime is required for Complete jobs"));
  }
  if (changed("startTime", "completionTime") && startTime && completionTime && isBefore(completionTime, startTime))
    errors.push(time.invalid(completionTime, "completionTime cannot be set before startTime"));
  if (turned("Failed", "FailureTarget") && has(status, "Failed") && !has(status, "FailureTarget"))
    errors.push(
      conditions.invalid(omittedValue, "cannot set Failed=True condition without the FailureTarget=true condition"),
    );
  if (turned("Complete", "SuccessCriteriaMet") && complete && !has(status, "SuccessCriteriaMet"))
    errors.push(
      conditions.invalid(
        omittedValue,
        "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
      ),
    );
  return errors;
}

function isBefore(time: string, other: string): boolean {
  return Date.parse(time) < Date.parse(other);
}

/** A Job that has ended began once, and has no pods any more. */
function validateAtEnd(
  { active = 0, startTime, uncountedTerminatedPods: uncounted }: JobStatus,
  { changed, ended, at }: Omit<Judged, "turned"> & { ended: boolean },
): FieldError[] {
  const errors: FieldError[] = [];
  if ((ended || changed("active")) && active > 0)
    errors.push(at.child("active").invalid(active, "active>0 is invalid for finished job"));
  if ((ended || changed("startTime")) && !startTime)
    errors.push(at.child("startTime").required("startTime is required for finished job"));
  const left = [...(uncounted?.succeeded ?? []), ...(uncounted?.failed ?? [])];
  if ((ended || changed("uncountedTerminatedPods")) && uncounted && left.length > 0)
    errors.push(
      at
        .child("uncountedTerminatedPods")
        .invalid(
          goView("UncountedTerminatedPods", uncounted),
          "uncountedTerminatedPods needs to be empty for finished job",
        ),
    );
  return errors;
}

/** Pods that end, of which a Job that has ended has none, and pods that are ready, which are among the active ones. */
function validateRunning(
  status: JobStatus,
  { changed, ended, at }: Omit<Judged, "turned"> & { ended: boolean },
): FieldError[] {
  const { active = 0, ready = 0, terminating = 0 } = status;
  const errors: FieldError[] = [];
  if ((ended || changed("terminating")) && terminating > 0 && isFinished(status))
    errors.push(at.child("terminating").invalid(terminating, "terminating>0 is invalid for finished job"));
  if (changed("ready", "active") && ready > active)
    errors.push(at.child("ready").invalid(ready, "cannot set more ready pods than active"));
  return errors;
}

function validateIndexes(
  { completedIndexes = "", failedIndexes }: JobStatus,
  { completions, completionMode, backoffLimitPerIndex }: JobSpec,
  changed: Judged["changed"],
  at: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  const [completed, failed] = [at.child("completedIndexes"), at.child("failedIndexes")];
  const fault = (text: string) => {
    const count = completions === undefined ? 0 : countIndexes(text, completions);
    return typeof count === "string" ? count : undefined;
  };
  const [wrongCompleted, wrongFailed] = [fault(completedIndexes), fault(failedIndexes ?? "")];
  if (changed("completedIndexes") && wrongCompleted !== undefined)
    errors.push(completed.invalid(completedIndexes, `error parsing completedIndexes: ${wrongCompleted}`));
  if (changed("failedIndexes") && backoffLimitPerIndex !== undefined && wrongFailed !== undefined)
    errors.push(failed.invalid(failedIndexes, `error parsing failedIndexes: ${wrongFailed}`));
  if (changed("completedIndexes") && completedIndexes !== "" && completionMode !== "Indexed")
    errors.push(
      completed.invalid(completedIndexes, "cannot set non-empty completedIndexes when non-indexed completion mode"),
    );
  if (changed("failedIndexes") && failedIndexes !== undefined && backoffLimitPerIndex === undefined)
    errors.push(failed.invalid(failedIndexes, "cannot set non-null failedIndexes when backoffLimitPerIndex is null"));
  const overlap = firstOverlap(completedIndexes, failedIndexes ?? "");
  if (changed("failedIndexes", "completedIndexes") && completions !== undefined && overlap !== undefined)
    errors.push(failed.invalid(failedIndexes, `failedIndexes and completedIndexes overlap at index: ${overlap}`));
  return errors;
}

/** The first index that stands in both. */
function firstOverlap(completed: string, failed: string): number | undefined {
  const others = indexIntervals(failed);
  for (const [from, to] of indexIntervals(completed)) {
    const other = others.find(([otherFrom, otherTo]) => from <= otherTo && otherFrom <= to);
    if (other) return Math.max(from, other[0]);
  }
  return undefined;
}

function validateSuccess(status: JobStatus, { successPolicy }: JobSpec, at: Path): FieldError[] {
  const met = has(status, "SuccessCriteriaMet");
  const errors: FieldError[] = [];
  if (met && has(status, "Failed"))
    errors.push(at.invalid(omittedValue, "cannot set SuccessCriteriaMet=True and Failed=true conditions"));
  if (met && has(status, "FailureTarget"))
    errors.push(at.invalid(omittedValue, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"));
  if (successPolicy && !met && has(status, "Complete"))
    errors.push(
      at.invalid(omittedValue, "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"),
    );
  return errors;
}

/** What has ended stays so, what was counted stays counted, and times stay. */
function validateCourse({ spec, status = {} }: Job, { status: before = {} }: Job, at: Path): FieldError[] {
  const conditions = at.child("conditions");
  const errors = ["Failed", "Complete", "FailureTarget"]
    .filter((type) => has(before, type) && !has(status, type))
    .map((type) => conditions.invalid(omittedValue, `cannot disable the terminal ${type}=True condition`));
  const { failed = 0, succeeded = 0 } = status;
  if (failed < (before.failed ?? 0))
    errors.push(at.child("failed").invalid(failed, "cannot decrease the failed counter"));
  // An Indexed Job of which all run at once can become smaller.
  const mayShrink = spec.completionMode === "Indexed" && spec.completions === spec.parallelism;
  if (!mayShrink && succeeded < (before.succeeded ?? 0))
    errors.push(at.child("succeeded").invalid(succeeded, "cannot decrease the succeeded counter"));
  if (status.completionTime && before.completionTime && status.completionTime !== before.completionTime)
    errors.push(at.child("completionTime").invalid(status.completionTime, "completionTime cannot be mutated"));
  if (before.startTime && status.startTime !== before.startTime && !spec.suspend)
    errors.push(at.child("startTime").required("startTime cannot be removed for unsuspended job"));
  const [met, wasMet] = [has(status, "SuccessCriteriaMet"), has(before, "SuccessCriteriaMet")];
  if (wasMet && !met)
    errors.push(conditions.invalid(omittedValue, "cannot disable the SuccessCriteriaMet=True condition"));
  if (has(before, "Complete") && !wasMet && met)
    errors.push(
      conditions.invalid(
        omittedValue,
        "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions",
      ),
    );
  return errors;
}
