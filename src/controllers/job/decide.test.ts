import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Job, JobSpec, JobStatus, Pod } from "../../api/schema/types.ts";
import { counted, decide } from "./decide.ts";
import { indexesText, parseIndexes } from "./indexes.ts";
import { withEnd } from "./outcome.ts";
import { podFrom } from "./pods.ts";

const none = { count: 0, lastMs: 0 };

function aJob(spec: Partial<JobSpec> = {}, status?: JobStatus): Job {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "work", namespace: "default", uid: "j", generation: 1 },
    spec: {
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      template: { metadata: { name: "" }, spec: { containers: [], restartPolicy: "Never" } },
      ...spec,
    },
    ...(status && { status }),
  };
}

let serial = 0;
function aPod(phase: string, { index = -1, leaving = false, exitCode = 1 } = {}): Pod {
  const uid = `p${serial++}`;
  const terminated = { exitCode: phase === "Succeeded" ? 0 : exitCode, finishedAt: "1970-01-01T00:00:00Z" };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `work-${uid}`,
      namespace: "default",
      uid,
      finalizers: ["batch.kubernetes.io/job-tracking"],
      ...(index >= 0 && { annotations: { "batch.kubernetes.io/job-completion-index": String(index) } }),
      ...(leaving && { deletionTimestamp: "1970-01-01T00:00:00Z" }),
    },
    spec: { containers: [] },
    status: {
      phase,
      ...(phase === "Running"
        ? {}
        : {
            containerStatuses: [
              { name: "app", state: { terminated }, image: "", imageID: "", ready: false, restartCount: 0 },
            ],
          }),
    },
  };
}

const next = (job: Job, pods: readonly Pod[] = [], now = 0, failures = none) => decide({ job, pods, failures, now });
const outcome = ({ conditions }: JobStatus) => conditions?.map(({ type, reason }) => `${type} ${reason}`) ?? [];

describe("job decide()", () => {
  test.each<{ it: string; spec?: Partial<JobSpec>; pods?: Pod[]; create?: number; says?: string[]; now?: number }>([
    { it: "makes no more pods than may run beside each other", spec: { completions: 5, parallelism: 2 }, create: 2 },
    { it: "makes no more than are still to complete", spec: { completions: 1, parallelism: 4 }, create: 1 },
    { it: "makes nothing while suspended", spec: { suspend: true }, says: ["Suspended JobSuspended"] },
    {
      it: "is done rather than suspended when enough have succeeded",
      spec: { suspend: true },
      pods: [aPod("Succeeded")],
      says: ["SuccessCriteriaMet CompletionsReached"],
    },
    {
      it: "is done rather than suspended when nothing is to be completed",
      spec: { suspend: true, completions: 0 },
      says: ["SuccessCriteriaMet CompletionsReached"],
    },
    {
      it: "lets an index that waits take the place of those behind it",
      spec: { completionMode: "Indexed", completions: 5, parallelism: 2, backoffLimitPerIndex: 3 },
      pods: [aPod("Failed", { index: 0 }), aPod("Failed", { index: 1 })],
      now: 9000,
    },
    {
      it: "goes on with the others when one index waits",
      spec: { completionMode: "Indexed", completions: 5, parallelism: 2, backoffLimitPerIndex: 3 },
      pods: [aPod("Failed", { index: 0 })],
      now: 9000,
      create: 1,
    },
    {
      it: "is done when enough have succeeded",
      pods: [aPod("Succeeded")],
      says: ["SuccessCriteriaMet CompletionsReached"],
    },
    { it: "waits ten seconds after a failure", pods: [aPod("Failed")], now: 9000 },
    { it: "tries again after that", pods: [aPod("Failed")], now: 10_000, create: 1 },
    {
      it: "gives up behind its limit",
      spec: { backoffLimit: 0 },
      pods: [aPod("Failed")],
      says: ["FailureTarget BackoffLimitExceeded"],
    },
    {
      it: "gives up at once for an exit code that its policy names",
      spec: { podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes: { operator: "In", values: [42] } }] } },
      pods: [aPod("Failed", { exitCode: 42 })],
      says: ["FailureTarget PodFailurePolicy"],
    },
    {
      it: "does not count what its policy ignores",
      spec: {
        backoffLimit: 0,
        podFailurePolicy: { rules: [{ action: "Ignore", onExitCodes: { operator: "In", values: [42] } }] },
      },
      pods: [aPod("Failed", { exitCode: 42 })],
      now: 10_000,
      create: 1,
    },
    {
      it: "is done when its success policy says so",
      spec: {
        completionMode: "Indexed",
        completions: 3,
        parallelism: 3,
        successPolicy: { rules: [{ succeededIndexes: "1" }] },
      },
      pods: [aPod("Running", { index: 0 }), aPod("Succeeded", { index: 1 }), aPod("Running", { index: 2 })],
      says: ["SuccessCriteriaMet SuccessPolicy"],
    },
    {
      it: "fails when some index may not be tried again and the others are done",
      spec: { completionMode: "Indexed", completions: 2, parallelism: 2, backoffLimitPerIndex: 0 },
      pods: [aPod("Failed", { index: 0 }), aPod("Succeeded", { index: 1 })],
      says: ["FailureTarget FailedIndexes"],
    },
  ])("$it", ({ spec, pods, create = 0, says = [], now = 0 }) => {
    const decision = next(aJob(spec), pods, now);
    expect(decision.create).toHaveLength(create);
    expect(outcome(decision.status)).toEqual(says);
  });

  test("looks at a pod's containers before its init containers when an exit code is asked for", () => {
    const pod = aPod("Failed", { exitCode: 3 });
    const sidecar = { name: "proxy", state: { terminated: { exitCode: 137 } } };
    Object.assign(pod.status ?? {}, { initContainerStatuses: [sidecar] });
    const rules = [{ action: "FailJob", onExitCodes: { operator: "NotIn", values: [0] } }];
    const { status } = next(aJob({ podFailurePolicy: { rules } }), [pod]);
    expect(status.conditions?.[0]?.message).toMatch(/^Container app for pod .* failed with exit code 3 /);
  });

  test("puts off the next pod counted from the end of the last container, sidecars included", () => {
    const pod = aPod("Failed");
    const ended = { name: "proxy", state: { terminated: { exitCode: 0, finishedAt: "1970-01-01T00:00:05Z" } } };
    Object.assign(pod.spec, { initContainers: [{ name: "proxy", restartPolicy: "Always" }] });
    Object.assign(pod.status ?? {}, { initContainerStatuses: [ended] });
    expect(next(aJob(), [pod], 12_000).againMs).toBe(3000);
  });

  test("counts those that run as active while it puts off the next: there may not be more ready ones", () => {
    const { status, againMs } = next(aJob({ completions: 2, parallelism: 2 }), [aPod("Failed"), aPod("Running")], 5000);
    expect([status.active, againMs]).toEqual([1, 5000]);
  });

  test.each([
    ["work", undefined, "work-"],
    ["work", 3, "work-3-"],
    ["w".repeat(63), undefined, `${"w".repeat(63)}-`],
    ["w".repeat(63), 12, `${"w".repeat(54)}-12-`],
  ])("pods of Job %j, index %s, are named after it", (name, index, expected) => {
    const job = aJob();
    const { generateName } = podFrom({ ...job, metadata: { ...job.metadata, name } }, index).metadata;
    expect(generateName).toBe(expected);
  });

  test("makes the missing indexes", () => {
    const job = aJob({ completionMode: "Indexed", completions: 4, parallelism: 3 });
    const pods = [aPod("Running", { index: 1 }), aPod("Succeeded", { index: 0 })];
    expect(next(job, pods).create.map(({ index }) => index)).toEqual([2, 3]);
  });

  test("says its end only when the pods are counted and gone", () => {
    const [running, failed] = [aPod("Running"), aPod("Failed")];
    const job = aJob({ backoffLimit: 0, completions: 2, parallelism: 2 });
    const { status, remove, letGo } = next(job, [running, failed]);
    expect(remove).toEqual([running]);
    expect(letGo).toEqual([running, failed]);
    const after = counted(job, status, new Set());
    expect(after).toMatchObject({ failed: 2, uncountedTerminatedPods: {}, terminating: 1 });
    expect(outcome(withEnd(after, 0))).not.toContain("Failed BackoffLimitExceeded");
    expect(outcome(withEnd({ ...after, terminating: 0 }, 0))).toContain("Failed BackoffLimitExceeded");
  });

  test("counts every pod once, however often a round is broken off between its writes", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }), (breaks) => {
        let job = aJob({ completions: 3, parallelism: 2 });
        let pods: Pod[] = [];
        for (const [round, isBroken] of [...breaks, ...Array(8).fill(false)].entries()) {
          const { create, status, letGo } = next(job, pods, round * 1e6);
          job = { ...job, status };
          const freed = isBroken ? letGo.slice(1) : letGo;
          pods = pods.filter((pod) => !freed.includes(pod));
          if (!isBroken) job = { ...job, status: withEnd(counted(job, status, new Set()), 0) };
          pods = [...pods, ...create.map(() => aPod("Succeeded"))];
        }
        expect(job.status).toMatchObject({ succeeded: 3, uncountedTerminatedPods: {} });
      }),
    );
  });
});

describe("indexes", () => {
  test.each([
    [[], ""],
    [[0], "0"],
    [[0, 1], "0,1"],
    [[0, 1, 2, 5], "0-2,5"],
  ])("%j is written %j", (indexes, text) => expect(indexesText(indexes)).toBe(text));

  test("what is written is read back", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 50 })), (indexes) => {
        expect([...parseIndexes(indexesText(indexes), 100)]).toEqual([...indexes].sort((a, b) => a - b));
      }),
    );
  });
});
