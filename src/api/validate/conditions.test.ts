import { expect, test } from "vitest";
import { Path } from "../field.ts";
import { type Condition, validateConditions } from "./conditions.ts";

const good: Condition = { type: "Ready", status: "True", reason: "Fine", lastTransitionTime: "2026-01-01T00:00:00Z" };

test.each<[what: string, conditions: Condition[], wrong: string[]]>([
  ["good ones", [good, { ...good, type: "Other" }], []],
  ["one twice", [good, good], ['c[1].type: Duplicate value: "Ready"']],
  [
    "an answer that is none",
    [{ ...good, status: "Perhaps" }],
    ['c[0].status: Unsupported value: "Perhaps": supported values: "False", "True", "Unknown"'],
  ],
  ["no time", [{ ...good, lastTransitionTime: null }], ["c[0].lastTransitionTime: Required value: must be set"]],
  ["no reason", [{ ...good, reason: "" }], ["c[0].reason: Required value: must be set"]],
])("conditions: %s", (_, conditions, wrong) =>
  expect(validateConditions(conditions, new Path("c")).map(({ field, message }) => `${field}: ${message}`)).toEqual(
    wrong,
  ),
);
