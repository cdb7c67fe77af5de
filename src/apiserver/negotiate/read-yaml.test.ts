import { describe, expect, test } from "vitest";
import { NumberText } from "../../api/schema/json.ts";
import { yamlDocument } from "./read-yaml.ts";

const read = (text: string) => yamlDocument(Buffer.from(text)).value;

describe("a YAML text", () => {
  test.each<[text: string, value: unknown]>([
    ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"],
    ["2026-01-02", "2026-01-02"],
    ["12:30:45", "12:30:45"],
    ["yes", true],
    ["0x10", 16],
    ["017", 15],
    ["1e3", 1000],
    ["~", null],
    ["!!str 1", "1"],
    ["!!binary aGk=", "hi"],
    ["!ours x", "x"],
    ["!!set {a}", { a: null }],
    [".inf", ".inf"],
    ["{a: &a {x: 1}, b: {<<: *a, z: 2}}", { a: { x: 1 }, b: { x: 1, z: 2 } }],
    ["a: 1\n---\nb: 2", { a: 1 }],
    ["", null],
  ])("%s is read as Kubernetes reads it", (text, value) => expect(read(text)).toEqual(value));

  test.each<[text: string, says: string]>([
    ["a: [b\n", "line 1: did not find expected ',' or ']'"],
    ["a: b: c", "mapping values are not allowed in this context"],
    ["a: 1\n b: 2", "line 2: mapping values are not allowed in this context"],
    ["a:\n\tb: 1", "line 2: found a tab character that violates indentation"],
    ["a: *b", "unknown anchor 'b' referenced"],
    ["a: &a {b: *a}", "an anchor's value contains itself"],
    ["a: 1\n<<: 2", "map merge requires map or sequence of maps as the value"],
    ["a: \0", "control characters are not allowed"],
  ])("%s is refused", (text, says) => expect(() => read(text)).toThrow(says));

  test("keeps the digits of numbers that a double does not hold", () => {
    expect(read("a: 9007199254740993")).toEqual({ a: new NumberText("9007199254740993") });
  });

  test("says which keys come twice, and where", () => {
    const { value, strictFault } = yamlDocument(Buffer.from("a: 1\nb: {c: 1, c: 2}\na: 3"));
    expect(value).toEqual({ a: 3, b: { c: 2 } });
    expect(strictFault).toBe(
      'yaml: unmarshal errors:\n  line 2: key "c" already set in map\n  line 3: key "a" already set in map',
    );
  });

  test("that is not UTF-8 is refused", () => {
    expect(() => yamlDocument(Buffer.from("a: \xff", "latin1"))).toThrow("invalid leading UTF-8 octet");
  });
});
