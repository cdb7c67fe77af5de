import { describe, expect, test } from "vitest";
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
    ["a: [b", "line 1: did not find expected node content"],
    ["a: *b", "unknown anchor 'b' referenced"],
    ["a: &a {b: *a}", "an anchor's value contains itself"],
    ["a: 1\n<<: 2", "map merge requires map or sequence of maps as the value"],
    ["a: \0", "control characters are not allowed"],
  ])("%s is refused", (text, says) => expect(() => read(text)).toThrow(says));

  test("that is not UTF-8 is refused", () => {
    expect(() => yamlDocument(Buffer.from("a: \xff", "latin1"))).toThrow("invalid leading UTF-8 octet");
  });
});
