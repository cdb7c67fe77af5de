import { validateHeaderValue } from "node:http";
import fc from "fast-check";
import { expect, test } from "vitest";
import { warningHeader } from "./warning.ts";

test.each([
  ['unknown field "spec.x"', '299 - "unknown field \\"spec.x\\""'],
  ["two\r\nlines", '299 - "two lines"'],
  ["a\u007fb\u0000", '299 - "a\\\\u007fb\\\\u0000"'],
  ["größer", `299 - "${Buffer.from("größer").toString("latin1")}"`],
])("the warning %j", (text, header) => {
  expect(warningHeader(text)).toBe(header);
});

test("any text makes a header that Node.js sends", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => validateHeaderValue("Warning", warningHeader(text))));
});
