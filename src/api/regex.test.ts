import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { regexFrom } from "./regex.ts";

describe("a pattern as Go writes it", () => {
  test.each<[pattern: string, matching: string, other: string]>([
    ["^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "a-b", "A"],
    ["(?i)^abc$", "ABC", "abd"],
    ["^(?i)abc$", "ABC", "abd"],
    ["^(?P<year>\\d{4})-(?P<month>\\d\\d)$", "2024-01", "24-1"],
    ["\\A[[:alpha:]_]+\\z", "a_b", "a1"],
    ["^[\\w-.]+$", "a-b.c", "a b"],
    ["^[[:digit:]-x]+$", "1-x", "a"],
    ["^a\\-b\\/c$", "a-b/c", "ab/c"],
    ["^[]a]+$", "]a", "b"],
    ["^[^]a]$", "b", "]"],
    ["^\\pL+$", "äb", "1"],
    ["^\\p{Greek}+$", "αβ", "ab"],
    ["^{}$", "{}", "x"],
    ["^a{2,3}$", "aaa", "a"],
    ["^\\x{e9}$", "é", "e"],
    ["^(?:a|b)c?$", "bc", "c"],
    ["^(?s:.)$", "\n", "ab"],
  ])("%s", (pattern, matching, other) => {
    const regex = regexFrom(pattern);
    expect([regex?.test(matching), regex?.test(other)]).toEqual([true, false]);
  });

  test.each(["(", "[a", "a(?=b)", "(?<!a)b", "\\1", "*a", "a{2,1}", "\\q", "[b-a]"])("%s is none", (pattern) => {
    expect(regexFrom(pattern)).toBeUndefined();
  });

  test("is compiled or refused, whatever it is", () => {
    const unit = fc.constantFrom(..."a0-_^$.*+?()[]{}|\\/:,dwsPp<=!i ");
    fc.assert(
      fc.property(fc.string({ unit }), (pattern) => {
        regexFrom(pattern)?.test("a");
      }),
    );
  });
});
