import { describe, expect, test } from "vitest";
import { parseSchedule } from "./schedule.ts";

describe("a CronJob's schedule", () => {
  test.each([
    ["*/15 3 * * 1-5", [0, 15, 30, 45], [1, 2, 3, 4, 5]],
    ["5,10-12 * * jan sun", [5, 10, 11, 12], [0]],
    ["50/5 * * * ?", [50, 55], [0, 1, 2, 3, 4, 5, 6]],
    ["@weekly", [0], [0]],
  ])("%s is read", (text, minutes, daysOfWeek) => {
    const schedule = parseSchedule(text);
    expect(schedule.sort === "fields" && [[...schedule.minutes], [...schedule.daysOfWeek]]).toEqual([
      minutes,
      daysOfWeek,
    ]);
  });

  test("an interval counts in whole seconds, at least one", () => {
    expect(parseSchedule("@every 1h30m")).toEqual({ sort: "every", seconds: 5400 });
    expect(parseSchedule("@every 5ms")).toEqual({ sort: "every", seconds: 1 });
  });

  test.each([
    ["", "empty spec string"],
    ["* * *", "expected exactly 5 fields, found 3: [* * *]"],
    ["@often", "unrecognized descriptor: @often"],
    ["@every now", 'failed to parse duration @every now: time: invalid duration "now"'],
    ["60 * * * *", "end of range (60) above maximum (59): 60"],
    ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
    ["5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"],
    ["*/0 * * * *", "step of range should be a positive number: */0"],
    ["1-2-3 * * * *", "too many hyphens: 1-2-3"],
    ["1/2/3 * * * *", "too many slashes: 1/2/3"],
    ["x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
  ])("%j is refused", (text, message) => {
    expect(() => parseSchedule(text)).toThrow(message);
  });
});
