import { describe, expect, test } from "vitest";
import { Path } from "../../field.ts";
import { sent } from "../testing/judge.ts";
import { job } from "./job.ts";

const template = { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "app:1" }] } };
const startTime = "2026-01-01T00:00:00Z";
const completionTime = "2026-01-01T00:01:00Z";
const conditions = (...types: string[]) => ({ conditions: types.map((type) => ({ type, status: "True" })) });
const done = { startTime, completionTime, succeeded: 1, ...conditions("SuccessCriteriaMet", "Complete") };

/** What is wrong with a report on a Job of which another report was there. */
function wrongWith({ spec = {}, before = {}, after }: { spec?: object; before?: object; after: object }): string[] {
  const [old, next] = [before, after].map((status) =>
    sent(job, { spec: { template, completions: 1, ...spec }, status }),
  );
  const errors = job.strategy.validateSubresource?.("status", next as never, old as never, new Path());
  return (errors ?? []).map(({ field, message }) => `${field}: ${message}`);
}

const indexed = { completionMode: "Indexed", completions: 5 };

describe("a report on a Job", () => {
  test.each<[string, given: Parameters<typeof wrongWith>[0], wrong: string[]]>([
    ["says that it runs", { after: { startTime, active: 1, ready: 1 } }, []],
    ["says that it is done", { before: { startTime, active: 1 }, after: done }, []],
    [
      "says when it was done only of what is done",
      { after: { startTime, completionTime } },
      [
        `status.completionTime: Invalid value: "${completionTime}": cannot set completionTime when there is no Complete=True condition`,
      ],
    ],
    [
      "says when it was done",
      { after: { startTime, succeeded: 1, ...conditions("SuccessCriteriaMet", "Complete") } },
      ["status.completionTime: Required value: completionTime is required for Complete jobs"],
    ],
    [
      "lets a Job begin before it is done",
      { after: { ...done, startTime: completionTime, completionTime: startTime } },
      [`status.completionTime: Invalid value: "${startTime}": completionTime cannot be set before startTime`],
    ],
    [
      "says in two steps that it failed",
      { after: { startTime, ...conditions("Failed") } },
      ["status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition"],
    ],
    [
      "does not say both",
      { after: { ...done, ...conditions("SuccessCriteriaMet", "Complete", "FailureTarget", "Failed") } },
      [
        "status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions",
        "status.conditions: Invalid value: cannot set Complete=True and FailureTarget=true conditions",
        "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and Failed=true conditions",
        "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
      ],
    ],
    [
      "leaves nothing running",
      { after: { ...done, active: 1, terminating: 1 } },
      [
        "status.active: Invalid value: 1: active>0 is invalid for finished job",
        "status.terminating: Invalid value: 1: terminating>0 is invalid for finished job",
      ],
    ],
    [
      "takes nothing back",
      { before: done, after: { startTime } },
      [
        "status.conditions: Invalid value: cannot disable the terminal Complete=True condition",
        "status.succeeded: Invalid value: 0: cannot decrease the succeeded counter",
        "status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition",
      ],
    ],
    [
      "counts each pod once",
      { after: { startTime, uncountedTerminatedPods: { succeeded: ["a", ""], failed: ["a"] } } },
      [
        'status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty',
        'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
      ],
    ],
    [
      "has no more ready pods than active ones",
      { after: { startTime, active: 1, ready: 2 } },
      ["status.ready: Invalid value: 2: cannot set more ready pods than active"],
    ],
    [
      "tells indexes of Jobs that have them",
      { after: { startTime, completedIndexes: "0", failedIndexes: "1" } },
      [
        'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
        'status.failedIndexes: Invalid value: "1": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
      ],
    ],
    [
      "tells each index once",
      { spec: { ...indexed, backoffLimitPerIndex: 1 }, after: { completedIndexes: "0-2", failedIndexes: "2,4" } },
      ['status.failedIndexes: Invalid value: "2,4": failedIndexes and completedIndexes overlap at index: 2'],
    ],
    [
      "keeps to the indexes",
      { spec: indexed, after: { completedIndexes: "0,7" } },
      ['status.completedIndexes: Invalid value: "0,7": error parsing completedIndexes: too large index: "7"'],
    ],
    [
      "lets be what was wrong before",
      { before: { startTime, completionTime, ready: 1 }, after: { startTime, completionTime, ready: 1 } },
      [],
    ],
  ])("%s", (_, given, wrong) => {
    expect(wrongWith(given)).toEqual(wrong);
  });
});
