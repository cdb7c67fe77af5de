import { describe, expect, test } from "vitest";
import { parseSchedule } from "../../api/kinds/batch/schedule.ts";
import { latestTime, mailTimeText, nextTime, zonedText } from "./times.ts";

const at = (text: string): number => Date.parse(text);

describe("nextTime()", () => {
  test.each([
    ["* * * * *", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"],
    ["*/15 * * * *", "UTC", "2026-01-01T00:14:59Z", "2026-01-01T00:15:00Z"],
    ["0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"],
    ["0 12 * * mon", "UTC", "2026-01-01T00:00:00Z", "2026-01-05T12:00:00Z"],
    ["0 0 13 * fri", "UTC", "2026-01-03T00:00:00Z", "2026-01-09T00:00:00Z"],
    ["30 6 * * *", "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-01-01T05:30:00Z"],
    ["30 6 * * *", "Europe/Berlin", "2026-07-01T00:00:00Z", "2026-07-01T04:30:00Z"],
    // This wall clock shows no half past two on the day when it is put forward.
    ["30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z"],
    ["0 0 * * mon", "Europe/Berlin", "2026-03-28T23:30:00Z", "2026-03-29T22:00:00Z"],
    ["0 0 * * mon", "Europe/Berlin", "2026-10-24T23:30:00Z", "2026-10-25T23:00:00Z"],
    ["@every 90s", "UTC", "2026-01-01T00:00:00.5Z", "2026-01-01T00:01:30Z"],
  ])("%s in %s after %s", (text, timeZone, after, next) => {
    expect(nextTime(parseSchedule(text), at(after), timeZone)).toBe(at(next));
  });

  test("there is no 30 February", () => {
    expect(nextTime(parseSchedule("0 0 30 2 *"), at("2026-01-01T00:00:00Z"), "UTC")).toBeUndefined();
  });
});

describe("latestTime()", () => {
  test.each([
    ["* * * * *", "2026-01-01T00:00:59Z", undefined],
    ["* * * * *", "2026-01-01T00:01:30Z", { time: at("2026-01-01T00:01:00Z"), missed: 1 }],
    ["* * * * *", "2026-01-01T03:00:10Z", { time: at("2026-01-01T03:00:00Z"), missed: 180 }],
    ["0 8,9 * * *", "2026-01-02T07:00:00Z", { time: at("2026-01-01T09:00:00Z"), missed: 24 }],
  ])("%s until %s", (text, now, latest) => {
    const afterMs = at("2026-01-01T00:00:00Z");
    expect(latestTime(parseSchedule(text), { afterMs, now: at(now), timeZone: "UTC" })).toEqual(latest);
  });
});

test("times are written in their zone", () => {
  expect(zonedText(at("2026-07-01T04:30:00Z"), "Europe/Berlin")).toBe("2026-07-01T06:30:00+02:00");
  expect(zonedText(at("2026-07-01T04:30:00Z"), "UTC")).toBe("2026-07-01T04:30:00Z");
  expect(mailTimeText(at("2026-07-01T04:30:00Z"))).toBe("Wed, 01 Jul 2026 04:30:00 +0000");
});
