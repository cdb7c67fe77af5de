import { ageColumn, nameColumn, since } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { CronJob, CronJobSpec } from "../../schema/types.ts";
import { validateNonNegative, validateOneOf } from "../../validate/values.ts";
import { templateColumns } from "../apps/workload.ts";
import { podNameWarnings } from "../apps/workload-rules.ts";
import { setFailurePolicyDefaults, validateJobTemplateSpec } from "./job-rules.ts";
import { jobWarnings } from "./job-warnings.ts";
import { parseSchedule, ScheduleError } from "./schedule.ts";

/** Its Jobs are called after it with eleven more characters, and a Job's name is a label's value. */
const longestName = 52;

export const cronJob = defineKind<CronJob>({
  group: "batch",
  version: "v1",
  kind: "CronJob",
  plural: "cronjobs",
  shortNames: ["cj"],
  categories: ["all"],
  scope: "Namespaced",
  subresources: { status: true },
  generation: true,
  trustsOldMetadata: true,
  columns: [
    nameColumn,
    { name: "Schedule", type: "string", cell: ({ spec }) => spec.schedule ?? "" },
    { name: "Timezone", type: "string", cell: ({ spec }) => spec.timeZone ?? "<none>" },
    { name: "Suspend", type: "boolean", cell: ({ spec }) => (spec.suspend ? "True" : "False") },
    { name: "Active", type: "integer", cell: ({ status }) => status?.active?.length ?? 0 },
    {
      name: "Last Schedule",
      type: "string",
      cell: ({ status }, now) => (status?.lastScheduleTime ? since(status.lastScheduleTime, now) : "<none>"),
    },
    ageColumn,
    ...templateColumns<CronJob>({
      template: ({ spec }) => spec.jobTemplate?.spec?.template ?? {},
      selector: ({ spec }) => spec.jobTemplate?.spec?.selector,
    }),
  ],

  defaults({ spec }) {
    spec.concurrencyPolicy ??= "Allow";
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    setFailurePolicyDefaults(spec.jobTemplate?.spec?.podFailurePolicy);
  },

  validateCreate: ({ metadata, spec }, root) => [
    ...validateSpec(spec, undefined, root.child("spec")),
    ...(metadata.name.length > longestName
      ? [root.child("metadata", "name").invalid(metadata.name, `must be no more than ${longestName} characters`)]
      : []),
  ],

  validateUpdate: ({ spec }, old, root) => validateSpec(spec, old.spec, root.child("spec")),

  warnings: (object, old) => [
    ...podNameWarnings(object, old),
    ...jobWarnings(object, old, object.spec.jobTemplate?.spec, "spec.jobTemplate.spec"),
  ],
});

/** What an old object has may stay as it is. */
function validateSpec(spec: CronJobSpec, old: CronJobSpec | undefined, at: Path): FieldError[] {
  const job = spec.jobTemplate?.spec;
  const place = at.child("jobTemplate", "spec");
  return [
    ...validateSchedule(spec, old?.schedule, at.child("schedule")),
    ...validateNonNegative(spec.startingDeadlineSeconds, at.child("startingDeadlineSeconds")),
    ...(old && old.timeZone === spec.timeZone ? [] : validateTimeZone(spec.timeZone, at.child("timeZone"))),
    ...(spec.concurrencyPolicy
      ? validateOneOf(spec.concurrencyPolicy, ["Allow", "Forbid", "Replace"], at.child("concurrencyPolicy"))
      : [at.child("concurrencyPolicy").required()]),
    ...validateJobTemplateSpec(job, place),
    ...(job?.selector ? [place.child("selector").invalid(job.selector, "`selector` will be auto-generated")] : []),
    ...(job?.manualSelector ? [place.child("manualSelector").notSupported(true, ["nil", "false"])] : []),
    ...validateNonNegative(spec.successfulJobsHistoryLimit, at.child("successfulJobsHistoryLimit")),
    ...validateNonNegative(spec.failedJobsHistoryLimit, at.child("failedJobsHistoryLimit")),
  ];
}

function validateSchedule({ schedule = "", timeZone }: CronJobSpec, old: string | undefined, at: Path): FieldError[] {
  if (schedule === "") return [at.required()];
  const fault = scheduleFault(schedule);
  // A zone in the schedule is kept where there was one.
  const zoneTwice = (allowed: boolean) => {
    if (!allowed) return [at.invalid(schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")];
    return timeZone === undefined
      ? []
      : [at.invalid(schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule")];
  };
  return [
    ...(fault === undefined ? [] : [at.invalid(schedule, fault)]),
    ...(schedule.includes("TZ") ? zoneTwice(old?.includes("TZ") ?? false) : []),
  ];
}

/** What cannot be read in a schedule, which may begin with the name of a time zone. */
function scheduleFault(schedule: string): string | undefined {
  const [, zone, fields] = /^(?:CRON_)?TZ=([^ ]*)(?: (.*))?$/s.exec(schedule) ?? [];
  const wrong = zone ? zoneFault(zone) : undefined;
  if (wrong !== undefined) return `provided bad location ${zone}: ${wrong}`;
  try {
    parseSchedule(zone === undefined ? schedule : (fields ?? "").trim());
    return undefined;
  } catch (error) {
    if (error instanceof ScheduleError) return error.message;
    throw error;
  }
}

function validateTimeZone(timeZone: string | undefined, at: Path): FieldError[] {
  if (timeZone === undefined) return [];
  if (timeZone === "") return [at.invalid(timeZone, "timeZone must be nil or non-empty string")];
  const isPart = (part: string) => /^[A-Za-z.\-_0-9+]{1,14}$/.test(part) && !/^(\.{1,2}$|-)/.test(part);
  if (!timeZone.split("/").every(isPart)) return [at.invalid(timeZone, `unknown time zone ${timeZone}`)];
  const local = timeZone.toLowerCase() === "local";
  const errors = local
    ? [at.invalid(timeZone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")]
    : [];
  const fault = timeZone === "Local" ? undefined : zoneFault(timeZone);
  return fault === undefined ? errors : [...errors, at.invalid(timeZone, fault)];
}

/** Why there is no such zone; undefined where there is. Names are written in one way only. */
function zoneFault(timeZone: string): string | undefined {
  if (timeZone.includes("..") || /^[/\\]/.test(timeZone)) return "time: invalid location name";
  const unknown = `unknown time zone ${timeZone}`;
  if (/^[+-]/.test(timeZone)) return unknown;
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return unknown;
    throw error;
  }
}
