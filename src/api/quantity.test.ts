import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  milliOf,
  numberOf,
  quantityFrom,
  subtractQuantities,
  unitsOf,
} from "./quantity.ts";

describe("quantities", () => {
  test.each([
    ["0", "0"],
    ["0Ki", "0"],
    ["Ki", "0"],
    ["1", "1"],
    ["1000m", "1"],
    ["1500m", "1500m"],
    ["1.5", "1500m"],
    ["0.1", "100m"],
    [".5", "500m"],
    ["100000000u", "100"],
    ["1024Ki", "1Mi"],
    ["1.5Gi", "1536Mi"],
    ["1Ki", "1Ki"],
    ["512Ki", "512Ki"],
    ["0.5Ki", "512"],
    ["1000", "1k"],
    ["1e3", "1e3"],
    ["1E3", "1e3"],
    ["12e6", "12e6"],
    ["1500e-3", "1500e-3"],
    ["1E", "1E"],
    ["+5", "5"],
    ["-1.5", "-1500m"],
    ["0.0000000001", "1n"],
    ["-0.0000000001", "-1n"],
    ["9223372036854775807Ki", "9223372036854775807"],
  ])("prints %s as %s", (text, shown) => {
    expect(canonicalQuantity(text)).toBe(shown);
  });

  test.each([
    ["", "must match"],
    ["a", "must match"],
    ["1 Gi", "must match"],
    ["1Gi2x", "must match"],
    ["1Zi", "must match"],
    ["1MM", "unable to parse quantity's suffix"],
    ["1i", "unable to parse quantity's suffix"],
  ])("refuses %j: %s", (text, why) => {
    expect(() => quantityFrom(text)).toThrow(why);
  });

  test("rounds up to units and thousandths", () => {
    expect(unitsOf("1500m")).toBe(2);
    expect(unitsOf("64Mi")).toBe(64 * 1024 * 1024);
    expect(milliOf("100u")).toBe(1);
    expect(milliOf("2")).toBe(2000);
    expect(numberOf("1500m")).toBe(1.5);
  });

  const anyQuantity = fc
    .tuple(
      fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }),
      fc.constantFrom("", "m", "u", "n", "k", "M", "Ki", "Mi", "e3"),
    )
    .map(([number, suffix]) => `${number}${suffix}`);

  test("printing and reading again changes nothing", () => {
    fc.assert(
      fc.property(anyQuantity, (text) => {
        const shown = canonicalQuantity(text);
        expect(quantityFrom(shown).nanos).toBe(quantityFrom(text).nanos);
        expect(canonicalQuantity(shown)).toBe(shown);
      }),
    );
  });

  test("arithmetic is that of whole numbers of nanos", () => {
    fc.assert(
      fc.property(anyQuantity, anyQuantity, (a, b) => {
        const [x, y] = [quantityFrom(a).nanos, quantityFrom(b).nanos];
        expect(addQuantities(a, b).nanos).toBe(x + y);
        expect(compareQuantities(subtractQuantities(addQuantities(a, b), b), a)).toBe(0);
        expect(Math.sign(compareQuantities(a, b))).toBe(x < y ? -1 : x > y ? 1 : 0);
        expect(quantityFrom(formatQuantity(subtractQuantities(a, b))).nanos).toBe(x - y);
      }),
    );
  });
});
