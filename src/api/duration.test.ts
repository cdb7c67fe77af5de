import { expect, test } from "vitest";
import { humanDuration } from "./duration.ts";

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];

test.each<[number, string]>([
  [-3 * second, "<invalid>"],
  [-1 * second, "0s"],
  [0, "0s"],
  [119 * second, "119s"],
  [2 * minute, "2m"],
  [5 * minute + 10 * second, "5m10s"],
  [10 * minute + 10 * second, "10m"],
  [179 * minute, "179m"],
  [3 * hour, "3h"],
  [7 * hour + 5 * minute, "7h5m"],
  [47 * hour, "47h"],
  [48 * hour, "2d"],
  [52 * hour, "2d4h"],
  [8 * day + hour, "8d"],
  [729 * day, "729d"],
  [2 * 365 * day + 20 * day, "2y20d"],
  [9 * 365 * day, "9y"],
])("%d ms reads %s", (ms, text) => expect(humanDuration(ms)).toBe(text));
