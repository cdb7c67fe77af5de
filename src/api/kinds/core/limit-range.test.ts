import { expect, test } from "vitest";
import { sent, wrongWithNew } from "../testing/judge.ts";
import { limitRange } from "./limit-range.ts";

const at = "spec.limits[0]";

test.each<[what: string, limit: object, wrong: string[]]>([
  ["a good one", { type: "Container", max: { cpu: "2" }, default: { cpu: "1" } }, []],
  [
    "a type that is none",
    { type: "Cup" },
    [`${at}.type: Invalid value: "Cup": must be a standard limit type or fully qualified`],
  ],
  [
    "a claim without bounds, and a ratio of what nobody knows",
    { type: "PersistentVolumeClaim", maxLimitRequestRatio: { cup: "2" } },
    [
      `${at}.limits: Required value: either minimum or maximum storage value is required, but neither was provided`,
      `${at}.maxLimitRequestRatio[cup]: Invalid value: "cup": must be a standard resource type or fully qualified`,
    ],
  ],
  [
    "a usual amount above the most",
    { type: "Container", max: { cpu: "1" }, default: { cpu: "2" }, defaultRequest: { cpu: "1" } },
    [`${at}.default[cpu]: Invalid value: "1": default value 2 is greater than max value 1`],
  ],
  [
    "usual amounts for whole pods",
    { type: "Pod", default: { cpu: "2" } },
    [`${at}.default: Forbidden: may not be specified when \`type\` is 'Pod'`],
  ],
])("a LimitRange with %s", (_, limit, wrong) => {
  expect(wrongWithNew(limitRange, { spec: { limits: [limit] } })).toEqual(wrong);
});

test("what a container gets that says nothing comes from the least and the most", () => {
  const limits = [
    { type: "Container", min: { cpu: "1" } },
    { type: "Container", max: { cpu: "2" } },
    { type: "Pod", max: { cpu: "4" } },
  ];
  expect(sent(limitRange, { spec: { limits } }).spec).toEqual({
    limits: [
      { type: "Container", min: { cpu: "1" }, defaultRequest: { cpu: "1" } },
      { type: "Container", max: { cpu: "2" }, default: { cpu: "2" }, defaultRequest: { cpu: "2" } },
      { type: "Pod", max: { cpu: "4" } },
    ],
  });
});
