import { expect, test } from "vitest";
import { integerFault } from "./go-integers.ts";

test.each<[text: string, sort: "int64" | "uint64", fault: string | undefined]>([
  ["-9223372036854775808", "int64", undefined],
  ["+1", "int64", undefined],
  ["9223372036854775808", "int64", 'strconv.ParseInt: parsing "9223372036854775808": value out of range'],
  ["0x10", "int64", 'strconv.ParseInt: parsing "0x10": invalid syntax'],
  ["", "int64", 'strconv.ParseInt: parsing "": invalid syntax'],
  ["18446744073709551615", "uint64", undefined],
  ["18446744073709551616", "uint64", 'strconv.ParseUint: parsing "18446744073709551616": value out of range'],
  ["-1", "uint64", 'strconv.ParseUint: parsing "-1": invalid syntax'],
])("%s as %s", (text, sort, fault) => {
  expect(integerFault(text, sort)).toBe(fault);
});
