import { beforeAll, describe, expect, test } from "vitest";
import type { Job, JobSpec, Pod, PodSpec } from "../../src/api/schema/types.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { sh } from "../support/pods.ts";

// What Jobs and CronJobs promise, with real containers. All are made at once; each test looks at its own.
const on = journey("jobs", ["busybox:1"]);
const { kubectl, json, apply } = on;

const aJob = (name: string, script: string, spec: Partial<JobSpec> = {}, pod: Partial<PodSpec> = {}) => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name },
  spec: {
    ...spec,
    template: {
      spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 1, containers: [sh(script)], ...pod },
    },
  },
});
const indexed = (completions: number, spec: Partial<JobSpec> = {}): Partial<JobSpec> => ({
  completionMode: "Indexed",
  completions,
  parallelism: completions,
  ...spec,
});
/** Fails on these indexes, and succeeds on the others. */
const failsOn = (...indexes: number[]): string =>
  `case $JOB_COMPLETION_INDEX in ${indexes.join("|")}) exit 1;; esac; exit 0`;
const index = "batch.kubernetes.io/job-completion-index";

const aCronJob = (name: string, script: string, spec: object = {}) => {
  const { apiVersion, spec: jobSpec } = aJob("", script);
  return {
    apiVersion,
    kind: "CronJob",
    metadata: { name },
    spec: { schedule: "*/1 * * * *", ...spec, jobTemplate: { metadata: { labels: { cron: name } }, spec: jobSpec } },
  };
};

const jobNamed = (name: string): Promise<Job> => json("get", "job", name);
const podsOf = async (job: string): Promise<Pod[]> => (await json("get", "pods", "-l", `job-name=${job}`)).items;
/** The Job when it is over: how it ended and why. */
const ended = (name: string) =>
  eventually(async () => {
    const { status = {} } = await jobNamed(name);
    const last = status.conditions?.find(({ type }) => type === "Complete" || type === "Failed");
    if (!last) throw new Error(`${name} runs: ${JSON.stringify(status)}`);
    return { end: last.type, reason: last.reason, message: last.message, status };
  });

beforeAll(() =>
  apply(
    // First, because they take minutes.
    aCronJob("tick", "date +%s"),
    aCronJob("asleep", "true", { suspend: true }),
    aCronJob("allow", "sleep 3600", { concurrencyPolicy: "Allow" }),
    aCronJob("forbid", "sleep 3600", { concurrencyPolicy: "Forbid" }),
    aCronJob("replace", "sleep 3600", { concurrencyPolicy: "Replace" }),
    aJob(
      "local",
      "test -e /data/once && exit 0; touch /data/once; exit 1",
      { completions: 2, parallelism: 2 },
      {
        restartPolicy: "OnFailure",
        containers: [
          sh("test -e /data/once && exit 0; touch /data/once; exit 1", {
            volumeMounts: [{ name: "data", mountPath: "/data" }],
          }),
        ],
        volumes: [{ name: "data", emptyDir: {} }],
      },
    ),
    aJob("indexed", "echo $JOB_COMPLETION_INDEX $(hostname)", indexed(4, { parallelism: 2 })),
    aJob("exit-code", "exit 3", {
      parallelism: 2,
      completions: 2,
      backoffLimit: 6,
      podFailurePolicy: {
        rules: [{ action: "FailJob", onExitCodes: { containerName: "main", operator: "In", values: [3] } }],
      },
    }),
    aJob("disrupted", "while ! test -e /proc/1/root/tmp/done; do sleep 0.1; done", {
      backoffLimit: 0,
      podFailurePolicy: { rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }] },
    }),
    aJob("per-index", failsOn(0, 2), indexed(4, { backoffLimitPerIndex: 0 })),
    aJob("too-many", failsOn(0, 1, 2, 3), indexed(4, { parallelism: 2, backoffLimitPerIndex: 0, maxFailedIndexes: 1 })),
    aJob(
      "fail-index",
      "case $JOB_COMPLETION_INDEX in 0|1) exit 42;; esac",
      indexed(2, {
        backoffLimitPerIndex: 1,
        podFailurePolicy: { rules: [{ action: "FailIndex", onExitCodes: { operator: "In", values: [42] } }] },
      }),
    ),
    aJob("all-met", "true", indexed(3, { successPolicy: { rules: [{ succeededCount: 3 }] } })),
    aJob(
      "index-met",
      "test $JOB_COMPLETION_INDEX = 0 || sleep 3600",
      indexed(3, { successPolicy: { rules: [{ succeededIndexes: "0" }] } }),
    ),
    aJob(
      "count-met",
      "test $JOB_COMPLETION_INDEX = 1 || sleep 3600",
      indexed(3, { successPolicy: { rules: [{ succeededIndexes: "1-2", succeededCount: 1 }] } }),
    ),
    aJob("adopter", "sleep 3600", { parallelism: 2, completions: 2 }),
    aJob("deadline", "sleep 3600", { activeDeadlineSeconds: 3 }),
    aJob("paused", "true", { suspend: true }),
    aJob("swept", "true", { ttlSecondsAfterFinished: 0 }),
  ),
);

describe("a Job", () => {
  test("succeeds when its containers fail at first and are restarted in place", async () => {
    expect(await ended("local")).toMatchObject({ end: "Complete", status: { succeeded: 2 } });
    const restarts = (await podsOf("local")).map(({ status }) => status?.containerStatuses?.[0]?.restartCount);
    expect(restarts).toEqual([1, 1]);
  });

  test("gives each index its pod, its number and its host name", async () => {
    expect(await ended("indexed")).toMatchObject({
      end: "Complete",
      status: { succeeded: 4, completedIndexes: "0-3" },
    });
    for (const { metadata } of await podsOf("indexed")) {
      const own = metadata.annotations?.[index];
      expect(metadata.labels?.[index]).toBe(own);
      expect(await kubectl("logs", metadata.name)).toBe(`${own} indexed-${own}\n`);
    }
    const indexes = (await podsOf("indexed")).map(({ metadata }) => metadata.annotations?.[index]);
    expect(indexes.sort()).toEqual(["0", "1", "2", "3"]);
  });

  test("fails at once with an exit code that its policy names", async () => {
    const { end, reason, message } = await ended("exit-code");
    expect([end, reason]).toEqual(["Failed", "PodFailurePolicy"]);
    expect(message).toMatch(
      /^Container main for pod default\/exit-code-\w+ failed with exit code 3 matching FailJob rule at index 0$/,
    );
  });

  test("does not count a pod that was evicted when its policy ignores that", async () => {
    const [pod] = await eventually(async () => {
      const pods = await podsOf("disrupted");
      expect(pods.map(({ status }) => status?.phase)).toEqual(["Running"]);
      return pods;
    });
    const { name = "" } = pod?.metadata ?? {};
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: "default" } };
    await on.cluster.kubectl.must(["create", "--raw", `/api/v1/namespaces/default/pods/${name}/eviction`, "-f", "-"], {
      input: JSON.stringify(eviction),
    });
    const next = await eventually(async () => {
      const pods = (await podsOf("disrupted")).filter(({ metadata }) => metadata.name !== name);
      expect(pods.map(({ status }) => status?.phase)).toEqual(["Running"]);
      return pods[0]?.metadata.name ?? "";
    });
    await kubectl("exec", next, "--", "touch", "/tmp/done");
    const { end, status } = await ended("disrupted");
    expect([end, status.failed, status.succeeded]).toEqual(["Complete", undefined, 1]);
  });

  test("tries every index even when some fail, and says which", async () => {
    expect(await ended("per-index")).toMatchObject({
      end: "Failed",
      reason: "FailedIndexes",
      status: { succeeded: 2, failed: 2, completedIndexes: "1,3", failedIndexes: "0,2" },
    });
  });

  test("ends when more indexes failed than may", async () => {
    const { end, reason } = await ended("too-many");
    expect([end, reason]).toEqual(["Failed", "MaxFailedIndexesExceeded"]);
  });

  test("gives an index up when its policy says so", async () => {
    expect(await ended("fail-index")).toMatchObject({
      end: "Failed",
      reason: "FailedIndexes",
      status: { failedIndexes: "0,1", failed: 2 },
    });
  });

  test.each([
    ["all-met", "0-2", "SuccessPolicy"],
    ["index-met", "0", "SuccessPolicy"],
    ["count-met", "1", "SuccessPolicy"],
  ])("%s: succeeds by its success policy and ends the others", async (name, completedIndexes, reason) => {
    expect(await ended(name)).toMatchObject({
      end: "Complete",
      reason,
      status: { completedIndexes, terminating: 0 },
    });
    await eventually(async () => {
      const phases = (await podsOf(name)).map(({ status }) => status?.phase);
      expect(phases).not.toContain("Running");
    });
  });

  test("takes in pods that match, and lets go of those that do not", async () => {
    const [one] = await eventually(async () => {
      const pods = await podsOf("adopter");
      expect(pods.length).toBe(2);
      return pods;
    });
    const { name = "", uid } = one?.metadata ?? {};
    await kubectl("patch", "pod", name, "-p", '{"metadata":{"ownerReferences":null}}');
    await eventually(async () => {
      const owners = (await json("get", "pod", name)).metadata.ownerReferences;
      expect(owners).toMatchObject([{ kind: "Job", name: "adopter", controller: true }]);
    });
    const labels = {
      "job-name": null,
      "batch.kubernetes.io/job-name": null,
      "controller-uid": null,
      "batch.kubernetes.io/controller-uid": null,
    };
    await kubectl("patch", "pod", name, "-p", JSON.stringify({ metadata: { labels } }));
    await eventually(async () => {
      const { metadata } = await json("get", "pod", name);
      expect([metadata.uid, metadata.ownerReferences, metadata.finalizers]).toEqual([uid, undefined, undefined]);
    });
    await kubectl("delete", "pod", name, "--wait=false");
  });

  test("ends when its time is over", async () => {
    expect(await ended("deadline")).toMatchObject({
      end: "Failed",
      reason: "DeadlineExceeded",
      message: "Job was active longer than specified deadline",
    });
  });

  test("does nothing while it is suspended, and takes other resources before it is resumed", async () => {
    const { status } = await eventually(async () => {
      const job = await jobNamed("paused");
      expect(job.status?.conditions).toMatchObject([{ type: "Suspended", status: "True", reason: "JobSuspended" }]);
      return job;
    });
    expect(status?.startTime).toBeUndefined();
    const container = { name: "main", resources: { requests: { cpu: "20m" } } };
    const spec = { suspend: false, template: { spec: { containers: [container] } } };
    await kubectl("patch", "job", "paused", "-p", JSON.stringify({ spec: { template: spec.template } }));
    await kubectl("patch", "job", "paused", "-p", '{"spec":{"suspend":false}}');
    expect((await ended("paused")).end).toBe("Complete");
    expect((await podsOf("paused")).map((pod) => pod.spec.containers[0]?.resources?.requests)).toEqual([
      { cpu: "20m" },
    ]);
  });

  test("goes by itself when its time to live is over", () =>
    eventually(async () => expect(await kubectl("get", "job", "swept", "--ignore-not-found")).toBe("")));

  test("is deleted with its pods", async () => {
    await kubectl("delete", "job", "adopter");
    await eventually(async () => expect(await podsOf("adopter")).toEqual([]));
  });
});

describe("a CronJob of every minute", () => {
  const jobsOf = async (name: string): Promise<Job[]> => (await json("get", "jobs", "-l", `cron=${name}`)).items;
  /** Two minutes, and what a busy machine takes besides. */
  const limitMs = 240_000;

  test("starts a Job at the minute, named after it, which really runs then", async () => {
    const [job] = await eventually(
      async () => {
        const jobs = (await jobsOf("tick")).filter(({ status }) => status?.completionTime !== undefined);
        expect(jobs.length).toBeGreaterThan(0);
        return jobs;
      },
      { limitMs },
    );
    expect(job?.status?.succeeded).toBe(1);
    const due = Date.parse(job?.metadata.annotations?.["batch.kubernetes.io/cronjob-scheduled-timestamp"] ?? "");
    expect(due % 60_000).toBe(0);
    expect(job?.metadata.name).toBe(`tick-${due / 60_000}`);
    await eventually(async () => {
      const { status } = await json("get", "cronjob", "tick");
      expect(Date.parse(status.lastScheduleTime) % 60_000).toBe(0);
    });
    const [pod] = await podsOf(job?.metadata.name ?? "");
    const ranMs = 1000 * Number(await kubectl("logs", pod?.metadata.name ?? ""));
    expect(ranMs).toBeGreaterThanOrEqual(due);
    expect(ranMs).toBeLessThanOrEqual(Date.parse(job?.status?.completionTime ?? ""));
  });

  test("allows a second Job beside the first", async () => {
    await eventually(async () => expect((await jobsOf("allow")).length).toBeGreaterThan(1), { limitMs });
    await eventually(async () => {
      const { active } = (await json("get", "cronjob", "allow")).status;
      expect(active.length).toBe((await jobsOf("allow")).length);
    });
  });

  test("forbids a second Job while the first runs, and says so", async () => {
    await eventually(
      async () => expect(await kubectl("events", "--for", "cronjob/forbid")).toContain("JobAlreadyActive"),
      { limitMs },
    );
    expect((await jobsOf("forbid")).length).toBe(1);
  });

  test("replaces the first Job by the second", async () => {
    await eventually(
      async () => expect(await kubectl("events", "--for", "cronjob/replace")).toContain("SuccessfulDelete"),
      { limitMs },
    );
    await eventually(async () => {
      const { status } = await json("get", "cronjob", "replace");
      const newest = `replace-${Date.parse(status.lastScheduleTime) / 60_000}`;
      expect((await jobsOf("replace")).map((job) => job.metadata.name)).toEqual([newest]);
      expect(status.active.map(({ name }: { name: string }) => name)).toEqual([newest]);
    });
  });

  test("does nothing while it is suspended", async () => {
    expect(await jobsOf("asleep")).toEqual([]);
  });
});
