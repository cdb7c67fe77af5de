import { describe, expect, test } from "vitest";
import { parseFieldSelector, parseLabelSelector, selectorText, selects } from "./selector.ts";

const labels = { app: "web", n: "3", "example.com/tier": "front" };

describe("a label selector in text form", () => {
  test.each<[text: string, matches: boolean]>([
    ["", true],
    ["app", true],
    ["!app", false],
    ["app=web", true],
    ["app==web,n=3", true],
    ["app!=web", false],
    ["missing!=x", true],
    ["app in (db, web)", true],
    ["app notin (db,web)", false],
    ["missing notin (a)", true],
    ["n>2", true],
    ["n<3", false],
    ["example.com/tier=front", true],
    ["app=", false],
  ])("%s", (text, matches) => {
    expect(parseLabelSelector(text).matches(labels)).toBe(matches);
  });

  test.each<[text: string, message: string]>([
    ["=x", "found '=', expected: !, identifier, or 'end of string'"],
    ["app=l,", "found '', expected: identifier after ','"],
    ["bad key!=x", "unable to parse requirement: found 'key', expected: in, notin, =, ==, !=, gt, lt"],
    ["app=bad value", "found 'value', expected: ',' or 'end of string'"],
    ["n in 1", "unable to parse requirement: found '1' expected: '('"],
    ["app===l", "unable to parse requirement: found '=', expected: identifier"],
    ["!", "unable to parse requirement: found '', expected: identifier"],
    [",", "found ',', expected: !, identifier, or 'end of string'"],
  ])("%s is refused in the parser's own words", (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(message);
  });
});

test("a selector object selects as its text form does", () => {
  const selector = {
    matchLabels: { app: "web" },
    matchExpressions: [{ key: "n", operator: "In", values: ["4", "3"] }],
  };
  expect(selects(selector, labels)).toBe(true);
  expect(selectorText(selector)).toBe("app=web,n in (3,4)");
  expect(parseLabelSelector(selectorText(selector)).matches(labels)).toBe(true);
});

test("a field selector is a list of terms", () => {
  expect(parseFieldSelector("metadata.name==a,status.phase!=Running,")).toEqual([
    { field: "metadata.name", equal: true, value: "a" },
    { field: "status.phase", equal: false, value: "Running" },
  ]);
  expect(() => parseFieldSelector("bad")).toThrow("invalid selector: 'bad'; can't understand 'bad'");
});
