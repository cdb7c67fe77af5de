import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalQuantity, compareQuantities, QuantityError, quantityFrom } from "../../src/api/quantity.ts";
import { mutatedText, numRuns } from "./mutations.ts";

const seeds = [
  "500m",
  "64Mi",
  "1.5Gi",
  "-3e-3",
  "1E",
  "1e3",
  "+.5",
  "12345678901234567890123456789n",
  "0.000000000001",
];

test("a text is a quantity, whose canonical form is the same quantity, or is refused", () => {
  fc.assert(
    fc.property(mutatedText(seeds), (text) => {
      let canonical: string;
      try {
        canonical = canonicalQuantity(text);
      } catch (error) {
        expect(error).toBeInstanceOf(QuantityError);
        return;
      }
      expect(compareQuantities(quantityFrom(canonical), quantityFrom(text))).toBe(0);
      expect(canonicalQuantity(canonical)).toBe(canonical);
    }),
    { numRuns },
  );
});

test.each(["1e999999999", "1e-999999999", "1e99999999999999999999", "-1E2147483648", `0.${"0".repeat(100_000)}1`])(
  "%s, whose digits would fill the memory, is refused or bounded",
  (text) => {
    try {
      expect(canonicalQuantity(text).length).toBeLessThan(1000);
    } catch (error) {
      expect(error).toBeInstanceOf(QuantityError);
    }
  },
);
