import fc from "fast-check";
import { expect, test } from "vitest";
import { parseFieldSelector, parseLabelSelector } from "../../src/api/selector.ts";
import { StatusError } from "../../src/api/status.ts";
import { mutatedText, numRuns } from "./mutations.ts";

const labels = { app: "web", "example.com/tier": "1", size: "9223372036854775808" };

test("a label selector is read and decides, or is refused as a bad request", () => {
  const seeds = [
    "app=web,tier!=db",
    "app in (web, db),!old",
    "example.com/tier notin (1,2,)",
    "size>5,size < 10",
    "a==b",
  ];
  fc.assert(
    fc.property(mutatedText(seeds), (text) => {
      try {
        expect(typeof parseLabelSelector(text).matches(labels)).toBe("boolean");
      } catch (error) {
        expect(error).toBeInstanceOf(StatusError);
      }
    }),
    { numRuns },
  );
});

test("a field selector is read, or is refused as a bad request", () => {
  const seeds = ["metadata.name=web,status.phase!=Running", "a==b", "a=b\\,c\\=d"];
  fc.assert(
    fc.property(mutatedText(seeds), (text) => {
      try {
        for (const { field, value } of parseFieldSelector(text)) expect(typeof (field + value)).toBe("string");
      } catch (error) {
        expect(error).toBeInstanceOf(StatusError);
      }
    }),
    { numRuns },
  );
});
