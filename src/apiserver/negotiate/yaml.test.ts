import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { toYaml } from "./yaml.ts";

const text = (value: unknown): string => toYaml(value).toString();

describe("YAML answers", () => {
  test.each<[name: string, value: unknown, expected: string]>([
    ["sort keys and do not indent lists", { b: [{ y: 1, x: 2 }], a: {} }, 'a: {}\nb:\n- x: 2\n  "y": 1\n'],
    ["order digits in keys as numbers", { a10: 1, a9: 2 }, "a9: 2\na10: 1\n"],
    [
      "quote what would be read as something else",
      { v: ["yes", "10", "1.5", "", "2026-01-01"] },
      'v:\n- "yes"\n- "10"\n- "1.5"\n- ""\n- "2026-01-01"\n',
    ],
    [
      "put what begins with an indicator in single quotes",
      { v: ["*", "a: b", "it's #1", "- a"] },
      "v:\n- '*'\n- 'a: b'\n- it's #1\n- '- a'\n".replace("- it's #1", "- 'it''s #1'"),
    ],
    ["escape in double quotes what cannot be printed", { v: "a\tb\u0001" }, 'v: "a\\tb\\x01"\n'],
    ["write lines as they are", { v: "a\nb\n", w: "c\nd" }, "v: |\n  a\n  b\nw: |-\n  c\n  d\n"],
    [
      "fold a text at the first space behind the margin",
      { v: `${"x".repeat(90)} y z` },
      `v: ${"x".repeat(90)}\n  y z\n`,
    ],
  ])("%s", (_, value, expected) => {
    expect(text(value)).toBe(expected);
  });

  // The library with which they are read takes a dot or an exponent for a number without any digit in front, and "<<" for a
  // merge; Kubernetes' does not.
  const isMisread = /^(?:<<|[-+]?_*(?:\._*|\.?_*[eE][-+]?\d+))$/;
  const anyText = fc.string().filter((text) => !isMisread.test(text));

  test("read back as what was written", () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        anyText,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("any")),
        fc.dictionary(anyText, tie("any"), { noNullPrototype: true }),
      ),
    })).any;
    fc.assert(
      fc.property(value, (written) => {
        expect(parse(text({ written }), { version: "1.1" })).toEqual({ written });
      }),
    );
  });
});
