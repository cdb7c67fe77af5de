import { expect, test } from "vitest";
import { pemBlocks } from "./pem.ts";

const block = (type: string, body = "AAAA\n", end = type) => `-----BEGIN ${type}-----\n${body}-----END ${end}-----\n`;

test.each<[what: string, text: string, found: string[]]>([
  ["one", block("X"), ["X 3"]],
  ["several, with text around them", `before\n${block("X")}between\n${block("Y", "AA==\n")}after`, ["X 3", "Y 1"]],
  ["one that is empty", block("X", ""), ["X 0"]],
  ["one with headers", block("X", "A: b\nC: d\n\nAAAA\n"), ["X 3 headers"]],
  ["lines that end as on Windows", block("X").replaceAll("\n", "\r\n"), ["X 3"]],
  ["spaces in the body", block("X", " AA AA \n"), ["X 3"]],
  ["not one that does not begin its line", ` ${block("X")}`, []],
  ["not one that another type ends, but the next", block("X", undefined, "Y") + block("Z"), ["Z 3"]],
  ["not one that is no base64, but the next", block("X", "A?\n") + block("Z"), ["Z 3"]],
  ["not one without an end", "-----BEGIN X-----\nAAAA\n", []],
  [
    "none where half a mebibyte begins blocks without an end",
    block("X", "").split("\n")[0]!.concat("\n").repeat(30_000),
    [],
  ],
  ["none where half a mebibyte could be a header", `-----BEGIN X-----\n${":".repeat(1 << 19)}`, []],
  ["not one with something behind its end", block("X").replace("END X-----", "END X-----x"), []],
])("in a text is found %s", (_, text, found) => {
  const blocks = [...pemBlocks(text)];
  expect(blocks.map(({ type, hasHeaders, bytes }) => `${type} ${bytes.length}${hasHeaders ? " headers" : ""}`)).toEqual(
    found,
  );
});
