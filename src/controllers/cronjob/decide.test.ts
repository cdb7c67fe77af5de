import { describe, expect, test } from "vitest";
import type { CronJob, CronJobSpec, CronJobStatus, Job } from "../../api/schema/types.ts";
import { decide } from "./decide.ts";

const at = (text: string): number => Date.parse(`2026-01-01T${text}Z`);

function aCronJob(spec: Partial<CronJobSpec> = {}, status: CronJobStatus = {}): CronJob {
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "tick", namespace: "default", uid: "c", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: {
      schedule: "* * * * *",
      timeZone: "UTC",
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: {},
      ...spec,
    },
    status,
  };
}

function aJob(name: string, end?: "Complete" | "Failed", startTime = "2026-01-01T00:00:00Z"): Job {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace: "default", uid: name },
    spec: { template: {} },
    status: {
      startTime,
      ...(end && { conditions: [{ type: end, status: "True" }] }),
      ...(end === "Complete" && { completionTime: startTime }),
    },
  };
}

const activeIn = (...names: string[]): CronJobStatus => ({ active: names.map((name) => ({ name, uid: name })) });
const running = { status: activeIn("a"), jobs: [aJob("a")] };

describe("cronjob decide()", () => {
  test.each<{
    it: string;
    spec?: Partial<CronJobSpec>;
    status?: CronJobStatus;
    jobs?: Job[];
    now?: string;
    starts?: string;
    removes?: string[];
    says?: string[];
  }>([
    { it: "waits for the first time", now: "00:00:59" },
    { it: "starts at its time", now: "00:01:00", starts: "00:01:00" },
    { it: "starts only the latest of missed times", now: "00:07:30", starts: "00:07:00" },
    { it: "starts nothing while suspended", spec: { suspend: true }, now: "00:01:00" },
    { it: "starts a time once", status: { lastScheduleTime: "2026-01-01T00:01:00Z" }, now: "00:01:30" },
    { it: "starts beside a running one", ...running, now: "00:01:00", starts: "00:01:00" },
    {
      it: "leaves a time out when it forbids two",
      spec: { concurrencyPolicy: "Forbid" },
      ...running,
      now: "00:01:00",
      says: ["JobAlreadyActive"],
    },
    {
      it: "replaces a running one",
      spec: { concurrencyPolicy: "Replace" },
      ...running,
      now: "00:01:00",
      starts: "00:01:00",
      removes: ["a"],
    },
    {
      it: "lets a time pass for which it is too late",
      spec: { schedule: "0 * * * *", startingDeadlineSeconds: 10 },
      now: "01:00:11",
    },
    { it: "says that a time zone is unknown", spec: { timeZone: "Mars/Base" }, says: ["UnknownTimeZone"] },
    { it: "says that a schedule is none", spec: { schedule: "x" }, says: ["UnparseableSchedule"] },
    { it: "says that a schedule never comes", spec: { schedule: "0 0 31 2 *" }, says: ["InvalidSchedule"] },
    { it: "notes the end of a job", status: activeIn("a"), jobs: [aJob("a", "Complete")], says: ["SawCompletedJob"] },
    { it: "notes a job that somebody else made for it", jobs: [aJob("by-hand")], says: ["UnexpectedJob"] },
    {
      it: "is not held up by such a job",
      spec: { concurrencyPolicy: "Forbid" },
      jobs: [aJob("by-hand")],
      now: "00:01:00",
      starts: "00:01:00",
      says: ["UnexpectedJob"],
    },
    { it: "says that it missed many times", now: "02:00:00", starts: "02:00:00", says: ["TooManyMissedTimes"] },
    { it: "notes that a job is missing", status: activeIn("a"), says: ["MissingJob"] },
    {
      it: "keeps as many ended jobs as it should, the youngest",
      spec: { successfulJobsHistoryLimit: 1 },
      jobs: [aJob("new", "Complete", "2026-01-01T00:00:02Z"), aJob("old", "Complete"), aJob("bad", "Failed")],
      removes: ["old"],
    },
  ])("$it", ({ spec, status, jobs = [], now = "00:00:01", starts, removes = [], says = [] }) => {
    const decision = decide({ cronJob: aCronJob(spec, status), jobs, now: at(now) });
    expect(decision.start?.scheduledMs).toBe(starts && at(starts));
    expect(decision.remove.map(({ metadata }) => metadata.name)).toEqual(removes);
    expect(decision.events.map(({ reason }) => reason)).toEqual(says);
  });

  test("counts its periods from the last one, whenever it is looked at", () => {
    const cronJob = aCronJob({ schedule: "@every 10m" }, { lastScheduleTime: "2026-01-01T00:20:00Z" });
    const looks = ["00:20:01", "00:26:40", "00:29:59"].map((time) => {
      const { againMs = 0 } = decide({ cronJob, jobs: [], now: at(time) });
      return at(time) + againMs - at("00:30:00");
    });
    expect(looks).toEqual([100, 100, 100]);
  });

  test("comes again at the next time, and not before", () => {
    expect(decide({ cronJob: aCronJob({ schedule: "0 3 * * *" }), jobs: [], now: at("01:00:00") }).againMs).toBe(
      2 * 3600_000 + 100,
    );
  });
});
