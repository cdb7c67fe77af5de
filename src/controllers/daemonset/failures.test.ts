import { describe, expect, test } from "vitest";
import { Failures } from "./failures.ts";

const anOwner = (uid = "u", generation = 1) => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "agent", namespace: "default", uid, generation },
});
const minute = 60_000;

describe("failures on a node", () => {
  test("make the next pod wait longer each time, up to a quarter of an hour", () => {
    const failures = new Failures();
    const waited: number[] = [];
    for (let nowMs = 0; waited.length < 12; nowMs += waited.at(-1) ?? 0) {
      failures.count(anOwner(), "n1", nowMs);
      waited.push(failures.waitMs(anOwner(), "n1", nowMs));
    }
    expect(waited.slice(0, 4)).toEqual([1000, 2000, 4000, 8000]);
    expect(waited.at(-1)).toBe(15 * minute);
  });

  test.each<[what: string, ask: (failures: Failures) => number, ms: number]>([
    ["count for that node only", (failures) => failures.waitMs(anOwner(), "n2", 0), 0],
    ["count for that owner only", (failures) => failures.waitMs(anOwner("other"), "n1", 0), 0],
    ["are forgotten when the spec is another", (failures) => failures.waitMs(anOwner("u", 2), "n1", 0), 0],
    ["are over when the wait is", (failures) => failures.waitMs(anOwner(), "n1", 1000), 0],
  ])("%s", (_, ask, ms) => {
    const failures = new Failures();
    failures.count(anOwner(), "n1", 0);
    expect(failures.waitMs(anOwner(), "n1", 0)).toBe(1000);
    expect(ask(failures)).toBe(ms);
  });

  test("are forgotten with the owner", () => {
    const failures = new Failures();
    failures.count(anOwner(), "n1", 0);
    failures.forget({ namespace: "default", name: "agent" });
    expect(failures.waitMs(anOwner(), "n1", 0)).toBe(0);
  });

  test("begin anew when a pod held for long", () => {
    const failures = new Failures();
    for (let times = 0; times < 5; times++) failures.count(anOwner(), "n1", 0);
    failures.count(anOwner(), "n1", 60 * minute);
    expect(failures.waitMs(anOwner(), "n1", 60 * minute)).toBe(1000);
  });
});
