import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { endOf, SortedKeys } from "./sorted-keys.ts";

const anyKey = fc.string({ maxLength: 3, unit: fc.constantFrom("a", "b", "c", "/") });

describe("sorted keys", () => {
  test("are a sorted set, whatever is added and removed", () => {
    const anyChange = fc.record({ add: fc.boolean(), key: anyKey });
    fc.assert(
      fc.property(fc.array(anyChange), anyKey, (changes, from) => {
        const keys = new SortedKeys();
        const model = new Set<string>();
        for (const { add, key } of changes) {
          keys[add ? "add" : "delete"](key);
          model[add ? "add" : "delete"](key);
        }
        const sorted = [...model].sort();
        expect(keys.size).toBe(sorted.length);
        expect([...keys.from(from)]).toEqual(sorted.filter((key) => key >= from));
        expect(keys.countBetween(from, endOf(from))).toBe(sorted.filter((key) => key.startsWith(from)).length);
      }),
    );
  });

  test.each<[order: string, compare: (a: number, b: number) => number]>([
    ["in order", (a, b) => a - b],
    ["in reverse", (a, b) => b - a],
    ["scattered", (a, b) => ((a * 7919) % 5003) - ((b * 7919) % 5003)],
  ])("hold thousands that arrive %s", (_, compare) => {
    const numbers = Array.from({ length: 5000 }, (_, i) => i).sort(compare);
    const keys = new SortedKeys();
    for (const number of numbers) keys.add(`/pods/${number}`);
    const sorted = numbers.map((number) => `/pods/${number}`).sort();
    expect([...keys.from("")]).toEqual(sorted);
    for (const number of numbers.filter((n) => n % 10 > 0)) keys.delete(`/pods/${number}`);
    expect([...keys.from("")]).toEqual(sorted.filter((key) => key.endsWith("0")));
  });
});
