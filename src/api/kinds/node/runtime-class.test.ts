import { expect, test } from "vitest";
import { wrongWithNew } from "../testing/judge.ts";
import { runtimeClass } from "./runtime-class.ts";

test.each<[what: string, fields: object, wrong: string[]]>([
  ["a good one", { overhead: { podFixed: { cpu: "100m" } }, scheduling: { nodeSelector: { a: "b" } } }, []],
  ["no handler", { handler: "" }, ["handler: Required value"]],
  [
    "an overhead of something that no container has",
    { overhead: { podFixed: { pods: "1" } } },
    ['overhead.limits[pods]: Invalid value: "pods": must be a standard resource for containers'],
  ],
  [
    "a toleration that tolerates nothing",
    { scheduling: { tolerations: [{ operator: "Equal" }] } },
    [
      'scheduling.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
  ],
  [
    "a toleration twice, for another time",
    {
      scheduling: {
        tolerations: [
          { key: "a", operator: "Exists", effect: "NoExecute" },
          { key: "a", operator: "Exists", effect: "NoExecute", tolerationSeconds: 5 },
        ],
      },
    },
    [
      'scheduling.tolerations[1]: Duplicate value: {"Key":"a","Operator":"Exists","Value":"","Effect":"NoExecute","TolerationSeconds":5}',
    ],
  ],
])("a RuntimeClass with %s", (_, fields, wrong) => {
  expect(wrongWithNew(runtimeClass, { handler: "runc", ...fields })).toEqual(wrong);
});
