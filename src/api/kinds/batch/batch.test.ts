import { describe, expect, test } from "vitest";
import { sent, wrongWithChange, wrongWithNew } from "../testing/judge.ts";
import { cronJob } from "./cron-job.ts";
import { job } from "./job.ts";

const template = { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "app:1" }] } };
const spec = { template, completions: 1 };

describe("Jobs", () => {
  test.each([
    ["a good one", {}, []],
    [
      "pods that never end",
      { template: { spec: { ...template.spec, restartPolicy: "Always" } } },
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [
      "a limit per index without indexes",
      { backoffLimitPerIndex: 1 },
      ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"],
    ],
    [
      "a rule that says when nowhere",
      { podFailurePolicy: { rules: [{ action: "FailJob" }] } },
      ["spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required"],
    ],
    [
      "a failure that is none",
      { podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes: { operator: "In", values: [0] } }] } },
      ["spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator"],
    ],
    [
      "more successes than completions",
      { completionMode: "Indexed", completions: 2, successPolicy: { rules: [{ succeededCount: 3 }] } },
      [
        "spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of specified completions)",
      ],
    ],
    [
      "successes that no Job has",
      { completionMode: "Indexed", completions: 3, successPolicy: { rules: [{ succeededIndexes: "0-1-2" }] } },
      [
        `spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-1-2": error parsing succeededIndexes: the fragment "0-1-2" violates the requirement that an index interval can have at most two parts separated by '-'`,
      ],
    ],
    [
      "more failed indexes than indexes",
      { completionMode: "Indexed", completions: 2, backoffLimitPerIndex: 1, maxFailedIndexes: 3 },
      ["spec.maxFailedIndexes: Invalid value: 3: must be less than or equal to completions"],
    ],
    [
      "very many indexes that fail one by one",
      { completionMode: "Indexed", completions: 100_001, parallelism: 10_001, backoffLimitPerIndex: 1 },
      [
        "spec.maxFailedIndexes: Required value: must be specified when completions is above 100000",
        "spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index",
      ],
    ],
    [
      "a keeper without a domain",
      { managedBy: "no slash" },
      ['spec.managedBy: Invalid value: "no slash": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
  ])("%s", (_, fields, wrong) => {
    expect(wrongWithNew(job, { spec: { ...spec, ...fields } })).toEqual(wrong);
  });

  test("select their own pods by uid", () => {
    const made = sent(job, { spec }, { uid: "u-1" }) as unknown as { spec: { selector: unknown } };
    job.strategy.prepareCreate?.(made as never, undefined as never);
    expect(made.spec.selector).toEqual({ matchLabels: { "batch.kubernetes.io/controller-uid": "u-1" } });
  });

  test.each([
    [
      "completions of a Job without indexes",
      { completions: 3 },
      ["spec.completions: Invalid value: 3: field is immutable"],
    ],
    ["parallelism", { parallelism: 5 }, []],
    ["whether it is suspended", { suspend: true }, []],
  ])("may change: %s", (_, fields, wrong) => {
    const labels = { app: "one" };
    const selecting = {
      manualSelector: true,
      selector: { matchLabels: labels },
      template: { ...spec.template, metadata: { labels } },
    };
    const whole = (more: object) => ({ spec: { ...spec, ...selecting, ...more } });
    expect(wrongWithChange(job, whole({}), whole(fields))).toEqual(wrong);
  });

  const pods = template.spec;
  const resources = { containers: [{ ...pods.containers[0], resources: { requests: { cpu: "2" } } }] };
  const spread = { podAntiAffinity: {} };
  const pinned = { nodeAffinity: {} };
  test.each<[it: string, status: object, from: object, to: object, path?: string]>([
    ["places, when it never ran", {}, {}, { nodeSelector: { disk: "fast" }, tolerations: [], affinity: pinned }],
    ["resources, when it never ran", {}, {}, resources],
    ["resources, when it was suspended", suspendedAfter({}), {}, resources],
    ["nothing while its pods still end", suspendedAfter({ active: 1 }), {}, resources, "spec.template"],
    [
      "nothing before its controller has suspended it",
      { startTime: "2026-01-01T00:00:00Z" },
      {},
      resources,
      "spec.template",
    ],
    ["nothing while it runs", {}, { suspend: false }, resources, "spec.template"],
    ["no image", {}, {}, { containers: [{ name: "main", image: "app:2" }] }, "spec.template.spec"],
    [
      "no number of containers",
      {},
      {},
      { containers: [...pods.containers, { name: "b", image: "b" }] },
      "spec.template.spec",
    ],
    ["not how it keeps away from other pods", {}, {}, { affinity: spread }, "spec.template.spec"],
  ])("at rest may change: %s", (_, status, { suspend = true }: { suspend?: boolean }, to, path) => {
    const labels = { app: "one" };
    const whole = (more: object) => ({
      spec: {
        completions: 1,
        suspend,
        manualSelector: true,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { ...pods, ...more } },
      },
      status,
    });
    const wrong = wrongWithChange(job, whole({}), whole(to)).filter((line) => line.includes("field is immutable"));
    expect(wrong.map((line) => line.slice(0, line.indexOf(": ")))).toEqual(path ? [path] : []);
  });
});

function suspendedAfter(status: object): object {
  return { startTime: "2026-01-01T00:00:00Z", conditions: [{ type: "Suspended", status: "True" }], ...status };
}

describe("CronJobs", () => {
  test.each([
    ["a good one", {}, []],
    ["no schedule", { schedule: "" }, ["spec.schedule: Required value"]],
    [
      "a schedule with a zone",
      { schedule: "TZ=UTC 0 0 * * *" },
      [
        'spec.schedule: Invalid value: "TZ=UTC 0 0 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
      ],
    ],
    [
      "a schedule with a zone that is nowhere",
      { schedule: "CRON_TZ=Mars/Olympus 0 0 * * *" },
      [
        'spec.schedule: Invalid value: "CRON_TZ=Mars/Olympus 0 0 * * *": provided bad location Mars/Olympus: unknown time zone Mars/Olympus',
        'spec.schedule: Invalid value: "CRON_TZ=Mars/Olympus 0 0 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
      ],
    ],
    [
      "Jobs that select their pods themselves",
      { jobTemplate: { spec: { ...spec, manualSelector: true, selector: { matchLabels: { a: "b" } } } } },
      [
        'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated',
        'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
      ],
    ],
    [
      "a zone that is nowhere",
      { timeZone: "Mars/Olympus" },
      ['spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus'],
    ],
    [
      "an unknown policy",
      { concurrencyPolicy: "Maybe" },
      ['spec.concurrencyPolicy: Unsupported value: "Maybe": supported values: "Allow", "Forbid", "Replace"'],
    ],
  ])("%s", (_, fields, wrong) => {
    expect(wrongWithNew(cronJob, { spec: { schedule: "0 3 * * *", jobTemplate: { spec }, ...fields } })).toEqual(wrong);
  });

  test("leave room in their names for their Jobs'", () => {
    const fields = { spec: { schedule: "0 3 * * *", jobTemplate: { spec } } };
    const name = "a".repeat(53);
    expect(wrongWithNew(cronJob, fields, { name })).toEqual([
      `metadata.name: Invalid value: "${name}": must be no more than 52 characters`,
    ]);
  });

  test("keep what was allowed once", () => {
    const zoned = "TZ=UTC 0 3 * * *";
    const whole = (more: object) => ({ spec: { schedule: "0 3 * * *", jobTemplate: { spec }, ...more } });
    expect(wrongWithChange(cronJob, whole({ schedule: zoned }), whole({ schedule: "TZ=UTC 0 4 * * *" }))).toEqual([]);
    expect(wrongWithChange(cronJob, whole({ timeZone: "Local" }), whole({ timeZone: "Local" }))).toEqual([]);
    expect(wrongWithChange(cronJob, whole({}), whole({ timeZone: "" }))).toEqual([
      'spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string',
    ]);
    expect(wrongWithChange(cronJob, whole({ schedule: zoned }), whole({ schedule: zoned, timeZone: "UTC" }))).toEqual([
      `spec.schedule: Invalid value: "${zoned}": cannot use both timeZone field and TZ or CRON_TZ in schedule`,
    ]);
  });
});
