import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { durationFrom, durationText, instantFrom, microTimeText, timeFrom, timeText } from "./time.ts";

describe("times", () => {
  test("are written in whole seconds or with six digits behind them", () => {
    const ms = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    expect(timeText(ms)).toBe("2026-01-02T03:04:05Z");
    expect(microTimeText(ms)).toBe("2026-01-02T03:04:05.678000Z");
  });

  test.each([
    ["2026-01-02T03:04:05Z", 0],
    ["2026-01-02T05:04:05+02:00", 0],
    ["2026-01-02T03:04:05.123456789Z", 123456789],
  ])("reads %s", (text, nanos) => {
    expect(instantFrom(text)).toEqual({ seconds: Date.UTC(2026, 0, 2, 3, 4, 5) / 1000, nanos });
  });

  test("are read as far back as Go's zero time", () => {
    expect(instantFrom("0001-01-01T00:00:05.000001Z")).toEqual({ seconds: -62_135_596_795, nanos: 1000 });
    expect(timeText(-62_135_596_795_000)).toBe("0001-01-01T00:00:05Z");
  });

  test.each(["", "2026-01-02", "2026-13-02T03:04:05Z", "2026-02-30T00:00:00Z", "2026-01-02T03:04:05", "x"])(
    "refuses %j",
    (text) => {
      expect(timeFrom(text)).toBeNaN();
    },
  );
});

describe("durations", () => {
  test.each([
    [0, "0s"],
    [1, "1ns"],
    [1_500_000, "1.5ms"],
    [1_500_000_000, "1.5s"],
    [90e9, "1m30s"],
    [3600e9, "1h0m0s"],
    [5400e9, "1h30m0s"],
    [-2e9, "-2s"],
  ])("%d nanoseconds print as %s", (nanos, text) => {
    expect(durationText(nanos)).toBe(text);
    expect(durationFrom(text)).toBe(nanos);
  });

  test("printing and reading again changes nothing", () => {
    fc.assert(
      fc.property(fc.integer({ min: -(10 ** 15), max: 10 ** 15 }), (nanos) => {
        expect(durationFrom(durationText(nanos))).toBe(nanos);
      }),
    );
  });

  test.each(["", "5", "5x", "s", "1h 2m"])("refuses %j", (text) => {
    expect(durationFrom(text)).toBeUndefined();
  });
});
