import { expect, test } from "vitest";
import { regexProblem } from "./regex-problem.ts";

test.each<[pattern: string, problem: string | undefined]>([
  ["^[a-z]+$", undefined],
  ["a{2,3}?b*", undefined],
  ["(?P<n>a)(?i:b)[[:alpha:]\\d-]", undefined],
  ["(", "missing closing ): `(`"],
  ["a)", "unexpected ): `a)`"],
  ["[a", "missing closing ]: `[a`"],
  ["*a", "missing argument to repetition operator: `*`"],
  ["a**", "invalid nested repetition operator: `**`"],
  ["[z-a]", "invalid character class range: `z-a`"],
  ["(?=a)", "invalid or unsupported Perl syntax: `(?=`"],
  ["(?<!a)", "invalid or unsupported Perl syntax: `(?<!`"],
  ["\\q", "invalid escape sequence: `\\q`"],
  ["a{1001}", "invalid repeat count: `{1001}`"],
  ["a\\", "trailing backslash at end of expression: ``"],
])("%s", (pattern, problem) => {
  expect(regexProblem(pattern)).toBe(problem && `error parsing regexp: ${problem}`);
});
